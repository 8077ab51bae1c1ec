// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Writing while a thousand readers stay open, each with another state.
///
/// Every record is updated, in random order, in a thousand transactions without flush, so that the
/// disk does not hide what readers cost: twice alone, of which the second time counts, and once more
/// beside readers. Those were begun before, with a transaction of one record between each and the
/// next, so that no two of them see the same.
public struct SnapshotWorkload {
  private static let readers = 1000
  private static let transactions = 1000
  private let kind: any MeasuredEngineKind
  private let folder: String
  private let table: RecordTable
  /// The order of the updates.
  private let order: [Int32]
  private let rows: Set<Row>
  private let recorder: Recorder

  /// What this workload measures.
  public static let rows: Set<Row> = [.beginRead, .rateKept, .snapshotGrowth]

  /// The workload over `size` records in an empty folder.
  public init(
    _ kind: any MeasuredEngineKind, in folder: String, size: Int, rows: Set<Row> = Self.rows,
    announce: @escaping (Row) throws -> Void = { _ in }
  ) {
    self.kind = kind
    self.folder = folder
    self.rows = rows
    table = RecordTable(0..<UInt64(size))
    var generator = SplitMix64(state: 7)
    order = (0..<Int32(size)).shuffled(using: &generator)
    recorder = Recorder(folder: folder, rows: rows, announce: announce)
  }

  /// Does everything and returns what was measured; nothing where the engine cannot.
  public func run() throws -> [Figure] {
    let path = folder + "/snapshots"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    // A few more than are held, for those that check.
    let opened = try kind.openSnapshots(
      in: path, cacheBytes: 1 << 30, readers: Self.readers + 20)
    guard let engine = opened else { return [] }
    try engine.load(table, (0..<Int32(table.count)).map { $0 }, sorted: false)
    try engine.settle()
    let writes = rows.contains(.rateKept) || rows.contains(.snapshotGrowth)
    let alone = writes ? try writeAlone(engine) : 0
    do {
      var readers: [any MeasuredReader] = []
      for step in 0..<Self.readers {
        try engine.update(table, [order[step % order.count]], shift: 3, flushed: false)
        readers.append(try engine.makeReader())
      }
      try recorder.measure(.beginRead) {
        try engine.beginReads(10_000)
        return try Recorder.seconds { try engine.beginReads(500_000) } / 500_000
      }
      if writes { try write(engine, beside: readers, in: path, alone: alone) }
    }
    try engine.close()
    return recorder.figures
  }

  /// Seconds of all updates without a reader.
  private func writeAlone(_ engine: any MeasuredSnapshots) throws -> Double {
    var seconds = 0.0
    for shift in 1...2 {
      seconds = try Recorder.seconds { try update(engine, shift: shift) }
      try engine.settle()
    }
    return seconds
  }

  private func write(
    _ engine: any MeasuredSnapshots, beside readers: [any MeasuredReader], in path: String,
    alone: Double
  ) throws {
    try engine.settle()
    let before = try bytes(engine, path)
    try recorder.measure(.rateKept) {
      alone / (try Recorder.seconds { try update(engine, shift: 4) })
    }
    try engine.settle()
    let after = try bytes(engine, path)
    // At least a page, so that one can be divided by it.
    let growth = max(4096, after > before ? after - before : 0)
    recorder.add(.snapshotGrowth, Double(growth) / Double(table.count * table.recordBytes))
    for (step, reader) in readers.enumerated() { try check(reader, after: step) }
    let all = order.indices.reduce(into: Checksum()) { $0.add(mark($1, shift: 4)) }
    try WorkloadError.expect(try engine.makeReader().scan(), all, .rateKept)
  }

  private func update(_ engine: any MeasuredSnapshots, shift: Int) throws {
    let count = order.count
    for step in 0..<Self.transactions {
      let part = count * step / Self.transactions..<count * (step + 1) / Self.transactions
      try engine.update(table, order[part], shift: shift, flushed: false)
    }
  }

  private func mark(_ place: Int, shift: Int) -> UInt64 {
    table.mark((Int(order[place]) + shift) % table.count)
  }

  /// A reader sees what was written before it was begun, and nothing of what came then.
  private func check(_ reader: any MeasuredReader, after step: Int) throws {
    func seen(_ place: Int) -> UInt64 { mark(place, shift: place <= step ? 3 : 2) }
    let around = min(order.count, max(0, step - 3))..<min(order.count, step + 4)
    let expected = around.reduce(into: Checksum()) { $0.add(seen($1)) }
    try WorkloadError.expect(try reader.get(table, order[around]), expected, .rateKept)
    guard step % 100 == 0 else { return }
    let all = order.indices.reduce(into: Checksum()) { $0.add(seen($1)) }
    try WorkloadError.expect(try reader.scan(), all, .rateKept)
  }

  private func bytes(_ engine: any MeasuredSnapshots, _ path: String) throws -> UInt64 {
    let bytes = try FileSizes.allocatedBytes(path)
    return bytes - min(bytes, try engine.logBytes)
  }
}
