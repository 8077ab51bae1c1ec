// SPDX-License-Identifier: Apache-2.0

import Foundation

/// An index with ten values for each key.
public struct MultimapWorkload {
  private static let keysOfRange = 10
  private let kind: any MeasuredEngineKind
  private let folder: String
  private let table: EntryTable
  private let rows: Set<Row>
  private let recorder: Recorder

  /// What this workload measures.
  public static let rows: Set<Row> = [.indexInsert, .indexRange, .indexDelete]

  /// The workload over `size` entries in an empty folder.
  public init(
    _ kind: any MeasuredEngineKind, in folder: String, size: Int, rows: Set<Row> = Self.rows,
    announce: @escaping (Row) throws -> Void = { _ in }
  ) {
    self.kind = kind
    self.folder = folder
    table = EntryTable(keys: max(1, size / EntryTable.valuesOfKey))
    // Nothing can be done without it.
    self.rows = rows.union([.indexInsert])
    recorder = Recorder(folder: folder, rows: self.rows, announce: announce)
  }

  /// Does everything and returns what was measured; nothing where the engine cannot.
  public func run() throws -> [Figure] {
    let path = folder + "/multimap"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    guard let engine = try kind.openMultimap(in: path, cacheBytes: 1 << 30) else { return [] }
    var generator = SplitMix64(state: 7)
    let order = (0..<Int32(table.count)).shuffled(using: &generator)
    try recorder.rate(.indexInsert, of: order.count) { try engine.insert(table, order) }
    try WorkloadError.expect(try engine.scan(), expected(order), .indexInsert)
    if rows.contains(.indexRange) { try readRanges(engine) }
    let half = Array(order[..<(order.count / 2)])
    try recorder.rate(.indexDelete, of: half.count) { try engine.delete(table, half) }
    if rows.contains(.indexDelete) {
      let left = expected(order[half.count...])
      try WorkloadError.expect(try engine.scan(), left, .indexDelete)
    }
    try engine.close()
    return recorder.figures
  }

  /// Reads ranges of a hundred entries, twice, of which the second time counts.
  private func readRanges(_ engine: any MeasuredMultimap) throws {
    let count = Self.keysOfRange
    let keys = SplitMix64.positions(max(1, table.count / 20), below: table.records.count)
    let sorted = table.records.sortedPositions()
    var places = [Int](repeating: 0, count: sorted.count)
    for (place, key) in sorted.enumerated() { places[Int(key)] = place }
    var expected = Checksum()
    for key in keys {
      // A few of the greatest keys have fewer than nine behind them.
      for key in sorted[places[Int(key)]...].prefix(count) {
        for value in 0..<EntryTable.valuesOfKey {
          expected.add(table.mark(Int(key) * EntryTable.valuesOfKey + value))
        }
      }
    }
    func read() throws {
      let read = try engine.ranges(table, from: keys, count: count)
      try WorkloadError.expect(read, expected, .indexRange)
    }
    try read()
    try recorder.rate(.indexRange, of: expected.count, read)
  }

  private func expected(_ positions: some Sequence<Int32>) -> Checksum {
    var checksum = Checksum()
    for position in positions { checksum.add(table.mark(Int(position))) }
    return checksum
  }
}
