// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Writing while a thousand readers stay open, each with another state.
///
/// Every record is updated once, in random order, in a thousand transactions without flush, so that
/// the disk does not hide what readers cost: twice alone, of which the second time counts, then with
/// a reader begun after each transaction that stays open until the end.
public struct SnapshotWorkload {
  private static let steps = 1000
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
    announce: @escaping (Row) -> Void = { _ in }
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
      in: path, cacheBytes: 1 << 30, readers: Self.steps + 20)
    guard let engine = opened else { return [] }
    try engine.load(table, (0..<Int32(table.count)).map { $0 }, sorted: false)
    try engine.settle()
    try recorder.measure(.beginRead) {
      try engine.beginReads(10_000)
      return try Recorder.seconds { try engine.beginReads(500_000) } / 500_000
    }
    if rows.contains(.rateKept) || rows.contains(.snapshotGrowth) {
      try writeBesideReaders(engine, path)
    }
    try engine.close()
    return recorder.figures
  }

  private func writeBesideReaders(_ engine: any MeasuredSnapshots, _ path: String) throws {
    var growth = 0.0
    try recorder.measure(.rateKept) {
      var alone = 0.0
      for shift in 1...2 {
        alone = try Recorder.seconds {
          for step in 0..<Self.steps {
            try engine.update(table, part(step), shift: shift, flushed: false)
          }
        }
        try engine.settle()
      }
      let before = try bytes(engine, path)
      var readers: [any MeasuredReader] = []
      readers.reserveCapacity(Self.steps)
      let beside = try Recorder.seconds {
        for step in 0..<Self.steps {
          try engine.update(table, part(step), shift: 3, flushed: false)
          readers.append(try engine.makeReader())
        }
      }
      try engine.settle()
      let after = try bytes(engine, path)
      // At least a page, so that one can be divided by it.
      growth =
        Double(max(4096, after > before ? after - before : 0))
        / Double(table.count * table.recordBytes)
      for (step, reader) in readers.enumerated() { try check(reader, after: step) }
      return alone / beside
    }
    recorder.add(.snapshotGrowth, growth)
  }

  /// The records that a step updates.
  private func part(_ step: Int) -> ArraySlice<Int32> {
    order[order.count * step / Self.steps..<order.count * (step + 1) / Self.steps]
  }

  /// A reader sees what its step and those before it wrote, and nothing of those after.
  private func check(_ reader: any MeasuredReader, after step: Int) throws {
    let end = order.count * (step + 1) / Self.steps
    func shift(_ place: Int) -> Int { place < end ? 3 : 2 }
    func mark(_ place: Int) -> UInt64 {
      table.mark((Int(order[place]) + shift(place)) % table.count)
    }
    let around = max(0, end - 3)..<min(order.count, end + 3)
    var expected = Checksum()
    for place in around { expected.add(mark(place)) }
    let read = try reader.get(table, order[around])
    try WorkloadError.expect(read, expected, .rateKept)
    guard step % 100 == 0 else { return }
    var all = Checksum()
    for place in order.indices { all.add(mark(place)) }
    try WorkloadError.expect(try reader.scan(), all, .rateKept)
  }

  private func bytes(_ engine: any MeasuredSnapshots, _ path: String) throws -> UInt64 {
    let bytes = try FileSizes.allocatedBytes(path)
    return bytes - min(bytes, try engine.logBytes)
  }
}
