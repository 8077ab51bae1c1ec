// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import Synchronization
import TestSupport
import Testing

/// Named snapshots come and go beside writers, readers and checkpoints.
struct NamedSnapshotConcurrencyTests {
  private static let writers = 3
  private static let rounds = TestEnvironment.count("RECORD_STORE_SNAPSHOT_ROUNDS", quick: 40)

  @Test
  func `snapshots that come and go beside writers and checkpoints show whole commits`() throws {
    try withStore(adjust: { $0.checkpointBytes = 128 << 10 }) { store in
      try store.commit([.createTree("main")])
      for session in 0..<3 {
        try work(store, session)
        try store.check()
        try store.reopen()
        try store.check()
      }
      for snapshot in try store.database.namedSnapshots() {
        try store.database.dropSnapshot(named: snapshot.name)
      }
      try store.check()
      #expect(try store.database.information().snapshotPages == 0)
    }
  }

  private func work(_ store: TestStore, _ session: Int) throws {
    let database = store.database
    let scheduler = store.scheduler
    let isOver = Atomic<Bool>(false)
    try runThreads(Self.writers + 2) { thread in
      switch thread {
      case 0:
        defer { isOver.store(true, ordering: .sequentiallyConsistent) }
        try keepAndDrop(database, session)
      case 1:
        while !isOver.load(ordering: .sequentiallyConsistent) {
          // Looks at each checkpoint of its own, whatever moment it was taken at.
          if scheduler.runAll() > 0 { continue }
          let report = try database.check()
          if let fault = report.faults.first { throw TestFailure("check found \(fault)") }
        }
      default:
        var random = SplitMix64(seed: UInt64(session * 10 + thread))
        while !isOver.load(ordering: .sequentiallyConsistent) {
          try write(database, thread, &random)
        }
      }
    }
  }

  /// Writes one stamp to all keys of a thread, the values of some of which lie in other pages.
  private func write(
    _ database: Database, _ thread: Int, _ random: inout SplitMix64
  ) throws {
    let stamp = random.bytes(8)
    try database.write { transaction in
      let tree = try #require(try transaction.tree(named: "main"))
      for (number, bytes) in [10, 700, 3000, 9000].enumerated() {
        let key = Array("\(thread) \(number)".utf8)
        try transaction.put(stamp + random.bytes(bytes), forKey: key, in: tree)
      }
      if random.chance(1, in: 10) {
        try transaction.put(
          stamp + random.bytes(70_000), forKey: Array("\(thread) large".utf8), in: tree)
      } else {
        try transaction.delete(Array("\(thread) large".utf8), in: tree)
      }
    }
  }

  private func keepAndDrop(
    _ database: Database, _ session: Int
  ) throws {
    var random = SplitMix64(seed: UInt64(session))
    for round in 0..<Self.rounds {
      let all = try database.namedSnapshots()
      if all.count >= 4, let old = all.randomElement(using: &random) {
        let view = try database.snapshot(named: old.name)
        try verify(view)
        try database.dropSnapshot(named: old.name)
        try verify(view)
      }
      try database.createSnapshot(named: "\(session) \(round)")
      let view = try database.snapshot(named: "\(session) \(round)")
      try verify(view)
      view.close()
    }
  }

  /// All keys of a thread have the same stamp.
  private func verify(_ view: Snapshot) throws {
    let tree = try #require(try view.tree(named: "main"))
    var stamps: [UInt8: [UInt8]] = [:]
    let cursor = try view.cursor(in: tree)
    while try cursor.next() {
      let stamp = Array(try cursor.value().prefix(8))
      let thread = cursor.key[0]
      guard stamps[thread, default: stamp] == stamp else {
        throw TestFailure("a snapshot of LSN \(view.lsn) shows part of a commit")
      }
      stamps[thread] = stamp
    }
  }
}
