// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The phases that every engine goes through in the same order, with the same records.
public struct CoreWorkload {
  let kind: any MeasuredEngineKind
  let folder: String
  /// Records that are loaded before anything else.
  let size: Int
  let cacheBytes: Int
  let table: RecordTable
  /// The parts of the table that are put after the load, one after the other.
  let parts: Parts
  let recorder: Recorder
  /// What is measured; what is not needed for that is left out.
  let rows: Set<Row>

  /// How much is done in each phase.
  struct Parts {
    let single: Range<Int>
    let thousands: Range<Int>
    let eight: Range<Int>
    let many: Range<Int>
    let unflushed: Range<Int>

    init(from size: Int, _ rows: Set<Row>) {
      var end = size
      func part(_ row: Row, _ count: Int) -> Range<Int> {
        let start = end
        end += rows.contains(row) ? count : 0
        return start..<end
      }
      single = part(.commit, 2000)
      thousands = part(.commitsOfThousand, 100_000)
      eight = part(.commitsOfEightThreads, 8000)
      many = part(.commitsOfManyThreads, 16_000)
      unflushed = part(.commitUnflushed, 50_000)
    }
  }

  /// The workload over `size` records in an empty folder.
  public init(
    _ kind: any MeasuredEngineKind, in folder: String, size: Int, cacheBytes: Int = 1 << 30,
    rows: Set<Row> = Set(Row.allCases), announce: @escaping (Row) throws -> Void = { _ in }
  ) {
    self.kind = kind
    self.folder = folder
    self.size = size
    self.cacheBytes = cacheBytes
    // Nothing can be done without it.
    self.rows = rows.union([.loadRandom])
    parts = Parts(from: size, rows)
    table = RecordTable(0..<UInt64(parts.unflushed.upperBound))
    recorder = Recorder(folder: folder, rows: self.rows, announce: announce)
  }

  /// Does everything and returns what was measured.
  public func run() throws -> [Figure] {
    let before = DeviceCounters.residentBytes(peak: false)
    if rows.contains(.loadSorted) { try loadSorted() }
    let engine = try open("random")
    try write(to: engine)
    try engine.settle()
    recorder.add(.loadedSize, try liveMultiple("random", engine, live: 0..<table.count))
    try read(from: engine)
    try end(engine)
    let peak = DeviceCounters.residentBytes(peak: true)
    recorder.add(.peakMemory, Double(peak > before ? peak - before : 0))
    return recorder.figures
  }

  func open(_ name: String) throws -> any MeasuredEngine {
    let path = folder + "/" + name
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return try kind.open(in: path, cacheBytes: cacheBytes)
  }

  /// What reading all of some positions should come to.
  func expected(_ positions: some Sequence<Int>) -> Checksum {
    table.checksum(of: positions)
  }

  /// The size of a store as a multiple of the keys and values in it.
  func liveMultiple(
    _ name: String, _ engine: any MeasuredEngine, live: some Collection<Int>
  ) throws -> Double {
    let bytes = try FileSizes.allocatedBytes(folder + "/" + name)
    return Double(bytes - min(bytes, try engine.logBytes))
      / Double(live.count * table.recordBytes)
  }
}
