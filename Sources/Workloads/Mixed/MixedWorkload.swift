// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// Reading and writing by turns, as services do.
public struct MixedWorkload {
  private let kind: any MeasuredEngineKind
  private let folder: String
  private let size: Int
  private let recorder: Recorder
  private let rows: Set<Row>

  /// The workload over `size` records in an empty folder.
  public init(
    _ kind: any MeasuredEngineKind, in folder: String, size: Int,
    rows: Set<Row> = Set(Row.allCases), announce: @escaping (Row) throws -> Void = { _ in }
  ) {
    self.kind = kind
    self.folder = folder
    self.size = size
    self.rows = rows
    recorder = Recorder(folder: folder, rows: rows, announce: announce)
  }

  /// Does everything and returns what was measured.
  public func run() throws -> [Figure] {
    let updating: Set<Row> = [.halfUpdates, .flushedUpdatesAmongGets, .commitDuringCheckpoints]
    if !rows.isDisjoint(with: updating) { try runUpdates() }
    if !rows.isDisjoint(with: [.operationsFlushed, .operationsUnflushed]) { try runOperations() }
    return recorder.figures
  }

  private func runUpdates() throws {
    let table = RecordTable(0..<UInt64(size), keyBytes: 16, valueBytes: 100)
    let engine = try loaded("mixed", table)
    // For each record the position of the one whose value it has.
    var sources = Array(0..<table.count)
    try updateAndGet(
      engine, table, &sources, .halfUpdates, count: 400_000, updates: 50, flushed: false)
    try updateAndGet(
      engine, table, &sources, .flushedUpdatesAmongGets, count: 100_000, updates: 5, flushed: true)
    try commitDuringCheckpoints(engine, table)
    let left = try engine.makeReader().scan().count
    guard left == table.count else {
      throw WorkloadError("\(left) of \(table.count) records are left of updates alone")
    }
    try engine.close()
  }

  private func loaded(_ name: String, _ table: RecordTable) throws -> any MeasuredEngine {
    let path = folder + "/" + name
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let engine = try kind.open(in: path, cacheBytes: 1 << 30)
    try engine.load(table, (0..<Int32(table.count)).map { $0 }, sorted: false)
    try engine.settle()
    return engine
  }

  /// Updates, each a transaction, among gets, each of what is committed then; `updates` in a hundred.
  private func updateAndGet(
    _ engine: any MeasuredEngine, _ table: RecordTable, _ sources: inout [Int], _ row: Row,
    count: Int, updates: UInt64, flushed: Bool
  ) throws {
    guard rows.contains(row) else { return }
    var zipf = Zipf(table.count)
    var dice = SplitMix64(state: 5)
    let steps = (0..<count).map { _ in (zipf.next(), dice.next() % 100 < updates) }
    let reader = try engine.makeReader()
    var read = 0
    try recorder.rate(row, of: count) {
      for (number, (position, isUpdate)) in steps.enumerated() {
        if isUpdate {
          // Another value each time: an engine may see that nothing changes, and write nothing.
          try engine.update(table, [position], shift: Self.shift(number), flushed: flushed)
        } else {
          try reader.renew()
          read += try reader.get(table, [position]).count
        }
      }
    }
    for (number, (position, isUpdate)) in steps.enumerated() where isUpdate {
      sources[Int(position)] = (Int(position) + Self.shift(number)) % table.count
    }
    try WorkloadError.expect(try engine.makeReader().scan(), table.checksum(of: sources), row)
    guard read == steps.count(where: { !$0.1 }) else {
      throw WorkloadError("\(row.rawValue) found \(read) records")
    }
  }

  private static func shift(_ number: Int) -> Int { 1 + number % 997 }

  /// Durable commits of one record on one thread, while another's transactions of a hundred make
  /// the engine fold its log.
  private func commitDuringCheckpoints(_ engine: any MeasuredEngine, _ table: RecordTable) throws {
    try recorder.measure(.commitDuringCheckpoints) {
      let single = SingleCommits()
      try Threads.run(2) { thread in
        var numbers = SplitMix64(state: UInt64(thread))
        func next() -> Int32 { Int32(truncatingIfNeeded: numbers.next() % UInt64(table.count)) }
        if thread == 0 {
          try single.run(4000) { number in
            try engine.update(table, [next()], shift: Self.shift(number), flushed: true)
          }
        } else {
          var number = 0
          while !single.areDone {
            let positions = (0..<100).map { _ in next() }
            try engine.update(table, positions[...], shift: Self.shift(number), flushed: true)
            number += 1
          }
        }
      }
      return single.percentile(0.999)
    }
  }

  /// The transactions of ioarena: two puts, a get, an update and a delete of small records.
  private func runOperations() throws {
    let count = (flushed: 3000, unflushed: 30_000)
    let table = RecordTable(
      0..<UInt64(2 * (count.flushed + count.unflushed) + 2), keyBytes: 16, valueBytes: 32)
    let path = folder + "/operations"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let engine = try kind.open(in: path, cacheBytes: 1 << 30)
    try engine.put(table, [0, 1], flushed: true)
    func run(_ steps: Range<Int>, flushed: Bool) throws {
      for step in steps { try engine.operate(table, Operations(step), flushed: flushed) }
    }
    try recorder.rate(.operationsFlushed, of: count.flushed) {
      try run(1..<count.flushed + 1, flushed: true)
    }
    try recorder.rate(.operationsUnflushed, of: count.unflushed) {
      try run(count.flushed + 1..<count.flushed + 1 + count.unflushed, flushed: false)
    }
    let steps =
      (rows.contains(.operationsFlushed) ? count.flushed : 0)
      + (rows.contains(.operationsUnflushed) ? count.unflushed : 0)
    if steps == count.flushed + count.unflushed {
      let read = try engine.makeReader().scan()
      try WorkloadError.expect(read, Operations.left(steps, in: table), .operationsUnflushed)
    }
    try engine.close()
  }
}

/// Commits of one thread, each timed.
private final class SingleCommits: Sendable {
  private let isDone = Atomic<Bool>(false)
  private let latencies = Mutex(Latencies())

  var areDone: Bool { isDone.load(ordering: .relaxed) }

  func run(_ count: Int, _ commit: (Int) throws -> Void) throws {
    defer { isDone.store(true, ordering: .relaxed) }
    var own = Latencies()
    for number in 0..<count { try own.add { try commit(number) } }
    latencies.withLock { $0.add(own) }
  }

  func percentile(_ part: Double) -> Double { latencies.withLock { $0.percentile(part) } }
}

/// What one transaction of the ioarena workload does, by positions of records.
public struct Operations: Sendable {
  /// Put anew.
  public let put: (Int32, Int32)
  /// Got, and there.
  public let get: Int32
  /// Given the value of the record after it.
  public let update: Int32
  /// Deleted.
  public let delete: Int32

  /// The step of that number, from one on: it reads and updates what the last one put and deletes
  /// one of them.
  init(_ step: Int) {
    let last = Int32(2 * (step - 1))
    put = (Int32(2 * step), Int32(2 * step + 1))
    get = last
    update = last
    delete = last + 1
  }

  /// What reading everything should come to after so many steps: of each but the last, the record
  /// that was updated, with the value of the one that was deleted.
  static func left(_ steps: Int, in table: RecordTable) -> Checksum {
    var left = Checksum()
    for step in 0..<steps { left.add(table.mark(2 * step + 1)) }
    left.add(table.mark(2 * steps))
    left.add(table.mark(2 * steps + 1))
    return left
  }
}
