// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import Synchronization
import TestSupport
import Testing

/// Many threads on one store.
///
/// RECORD_STORE_THREAD_ROUNDS is the number of transactions of each thread.
struct ConcurrencyTests {
  static let rounds = TestEnvironment.count("RECORD_STORE_THREAD_ROUNDS", quick: 150)

  @Test
  func `eight writers and four readers agree on every byte`() throws {
    let seed = TestEnvironment.seed
    try withStore { store in
      let database = store.database
      let scheduler = store.scheduler
      try database.write { _ = try $0.createTree(named: ScriptedSeries.tree) }
      let writersLeft = Atomic<Int>(8)
      try runThreads(13) { thread in
        switch thread {
        case 0..<8:
          defer { writersLeft.subtract(1, ordering: .sequentiallyConsistent) }
          try write(ScriptedSeries(thread, seed: seed), to: database)
        case 12:
          while writersLeft.load(ordering: .sequentiallyConsistent) > 0 {
            if scheduler.runAll() == 0 { try database.checkpoint() }
          }
        default:
          var random = SplitMix64(seed: seed &+ UInt64(thread))
          while writersLeft.load(ordering: .sequentiallyConsistent) > 0 {
            try readTwice(database, seed: seed, &random)
          }
        }
      }
      var model = Model()
      model.apply(.createTree(ScriptedSeries.tree))
      for number in 0..<8 {
        for transaction in 1...Self.rounds {
          model.apply(ScriptedSeries(number, seed: seed).changes(transaction))
        }
      }
      try model.verify(try database.snapshot())
    }
  }

  private func write(_ series: ScriptedSeries, to database: Database) throws {
    for number in 1...Self.rounds {
      try database.write { transaction in
        // Every earlier commit of this thread must be visible, durable or not.
        let progress = try series.progress(in: transaction)
        guard progress == number - 1 else {
          throw TestFailure("transaction \(number) of series \(series.number) sees \(progress)")
        }
        for change in series.changes(number) { try change.apply(to: transaction) }
      }
      let durable = try series.progress(in: try database.snapshot())
      guard durable == number else {
        throw TestFailure("series \(series.number): \(number) is acknowledged, \(durable) shown")
      }
    }
  }

  /// Takes a snapshot and checks that it shows whole transactions, and the same later.
  private func readTwice(
    _ database: Database, seed: UInt64, _ random: inout SplitMix64
  ) throws {
    let view = try database.snapshot()
    let first = try contents(view)
    let chosen = ScriptedSeries(random.below(8), seed: seed)
    let progress = try chosen.progress(in: view)
    var model = Model()
    for number in stride(from: 1, through: progress, by: 1) { model.apply(chosen.changes(number)) }
    let expected = model.trees[ScriptedSeries.tree] ?? [:]
    let prefix = Array("\(chosen.number) ".utf8)
    let found = first.filter { $0.key.starts(with: prefix) }
    guard found == expected else {
      throw TestFailure("a snapshot shows series \(chosen.number) at \(progress) wrongly")
    }
    guard try contents(view) == first else { throw TestFailure("a snapshot has changed") }
    view.close()
  }

  private func contents(_ reader: any TreeReader) throws -> [[UInt8]: [UInt8]] {
    guard let tree = try reader.tree(named: ScriptedSeries.tree) else { return [:] }
    var contents: [[UInt8]: [UInt8]] = [:]
    let cursor = try reader.cursor(in: tree)
    while try cursor.next() { contents[cursor.key] = try cursor.value() }
    return contents
  }

  @Test
  func `one snapshot may be read by many threads`() throws {
    try withStore { store in
      var model = Model()
      let changes: [Change] =
        [.createTree("main")] + (0..<500).map { Workload.put("main", Workload.key(0, $0), [1]) }
      try store.commit(changes)
      model.apply(changes)
      let view = try store.database.snapshot()
      let database = store.database
      let expected = model
      try runThreads(6) { thread in
        for round in 0..<20 {
          if thread == 0 {
            try database.write { transaction in
              try Workload.put("main", Workload.key(0, round), [2]).apply(to: transaction)
            }
          } else {
            try expected.verify(view)
          }
        }
      }
    }
  }

  @Test
  func `writers that fail or roll back do not disturb the others`() throws {
    struct Rollback: Error {}
    try withStore { store in
      try store.commit([.createTree("main")])
      let database = store.database
      try runThreads(6) { thread in
        for round in 0..<60 {
          do {
            try database.write { transaction in
              try Workload.put("main", "\(thread) \(round)", [1]).apply(to: transaction)
              if (thread + round) % 3 == 0 { throw Rollback() }
            }
          } catch is Rollback {}
        }
      }
      let view = try database.snapshot()
      let tree = try #require(try view.tree(named: "main"))
      for thread in 0..<6 {
        for round in 0..<60 {
          let value = try view.value(forKey: Array("\(thread) \(round)".utf8), in: tree)
          #expect((value == nil) == ((thread + round) % 3 == 0))
        }
      }
    }
  }

  @Test
  func `commits of many threads share flushes`() throws {
    let disk = SimulatedDisk()
    try withStore(on: disk) { store in
      try store.commit([.createTree("main")])
      let database = store.database
      let before = disk.flushes
      disk.setFlushDelay(microseconds: 1000)
      try runThreads(16) { thread in
        for round in 0..<50 {
          try database.write { transaction in
            try Workload.put("main", "\(thread) \(round)", [1]).apply(to: transaction)
          }
        }
      }
      disk.setFlushDelay(microseconds: 0)
      #expect(disk.flushes - before < 16 * 50 / 2)
    }
  }
}
