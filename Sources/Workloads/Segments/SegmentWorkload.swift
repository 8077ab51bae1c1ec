// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Records that the engine numbers, small ones and, a twentieth as many, larger ones.
public struct SegmentWorkload {
  private let kind: any MeasuredEngineKind
  private let folder: String
  private let size: Int
  private let rows: Set<Row>
  private let recorder: Recorder

  private struct Step {
    let insert: Row
    let read: Row
    let update: Row
    let scan: Row

    var rows: Set<Row> { [insert, read, update, scan] }
  }

  private static let small = Step(
    insert: .segmentInsert, read: .segmentRead, update: .segmentUpdate, scan: .segmentScan)
  private static let large = Step(
    insert: .segmentInsertLarge, read: .segmentReadLarge, update: .segmentUpdateLarge,
    scan: .segmentScanLarge)

  /// What this workload measures.
  public static let rows: Set<Row> = small.rows.union(large.rows)

  /// The workload over `size` small records in an empty folder.
  public init(
    _ kind: any MeasuredEngineKind, in folder: String, size: Int, rows: Set<Row> = Self.rows,
    announce: @escaping (Row) throws -> Void = { _ in }
  ) {
    self.kind = kind
    self.folder = folder
    self.size = size
    var needed = rows
    // Nothing can be done without those.
    for step in [Self.small, Self.large] where !rows.isDisjoint(with: step.rows) {
      needed.insert(step.insert)
    }
    self.rows = needed
    recorder = Recorder(folder: folder, rows: needed, announce: announce)
  }

  /// Does everything and returns what was measured; nothing where the engine cannot.
  public func run() throws -> [Figure] {
    try run(Self.small, "small", RecordTable(0..<UInt64(size), keyBytes: 0, valueBytes: 100))
    let larger = UInt64(max(1, size / 20))
    try run(Self.large, "large", RecordTable(0..<larger, keyBytes: 0, valueBytes: 2048))
    return recorder.figures
  }

  private func run(_ step: Step, _ name: String, _ table: RecordTable) throws {
    guard rows.contains(step.insert) else { return }
    let path = folder + "/segment-" + name
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    guard let engine = try kind.openSegments(in: path, cacheBytes: 1 << 30) else { return }
    try recorder.rate(step.insert, of: table.count) { try engine.insert(table) }
    let all = (0..<table.count).reduce(into: Checksum()) { $0.add(table.mark($1)) }
    try WorkloadError.expect(try engine.scan(), all, step.insert)
    let positions = SplitMix64.positions(table.count, below: table.count)
    try readTwice(step.read, positions, table, from: engine)
    var generator = SplitMix64(state: 7)
    let order = (0..<Int32(table.count)).shuffled(using: &generator)
    try recorder.rate(step.update, of: order.count) {
      try engine.update(table, order, shift: 1)
    }
    if rows.contains(step.update) {
      let updated = expected(positions, table, shift: 1)
      try WorkloadError.expect(try engine.read(positions), updated, step.update)
    }
    try WorkloadError.expect(try engine.scan(), all, step.scan)
    try recorder.rate(step.scan, of: table.count) {
      try WorkloadError.expect(try engine.scan(), all, step.scan)
    }
    try engine.close()
  }

  private func readTwice(
    _ row: Row, _ positions: [Int32], _ table: RecordTable, from engine: any MeasuredSegments
  ) throws {
    guard rows.contains(row) else { return }
    let wanted = expected(positions, table, shift: 0)
    try WorkloadError.expect(try engine.read(positions), wanted, row)
    try recorder.rate(row, of: positions.count) {
      try WorkloadError.expect(try engine.read(positions), wanted, row)
    }
  }

  private func expected(_ positions: [Int32], _ table: RecordTable, shift: Int) -> Checksum {
    positions.reduce(into: Checksum()) { $0.add(table.mark((Int($1) + shift) % table.count)) }
  }
}
