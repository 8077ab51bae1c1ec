// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import Synchronization
import TestSupport
import Testing

/// States that are kept under a name.
struct NamedSnapshotTests {
  @Test
  func `a name keeps the state it was given to, over commits and restarts`() throws {
    try withStore { store in
      var model = Model()
      try store.commit([.createTree("main"), Workload.put("main", "k", [1])], to: &model)
      let made = try store.database.createSnapshot(named: "first")
      #expect(made.name == "first")
      let kept = model
      try store.commit([Workload.put("main", "k", [2]), .createTree("other")], to: &model)
      for _ in 0..<2 {
        let view = try store.database.snapshot(named: "first")
        #expect(view.lsn == made.lsn)
        try kept.verify(view)
        try model.verify(try store.database.snapshot())
        #expect(try store.database.namedSnapshots() == [made])
        view.close()
        try store.reopen()
      }
      try store.database.dropSnapshot(named: "first")
      #expect(try store.database.namedSnapshots().isEmpty)
      try store.reopen()
      #expect(try store.database.namedSnapshots().isEmpty)
    }
  }

  @Test(arguments: [Durability.manual, .written, .synced])
  func `it shows every commit that has returned, whatever its durability`(
    _ durability: Durability
  ) throws {
    try withStore { store in
      try store.commit([.createTree("main")])
      try store.commit([Workload.put("main", "k", [1])], durability: durability)
      try store.database.createSnapshot(named: "a")
      let view = try store.database.snapshot(named: "a")
      let tree = try #require(try view.tree(named: "main"))
      #expect(try view.count(of: tree) == 1)
    }
  }

  @Test
  func `the state of an empty store can be kept`() throws {
    try withStore { store in
      try store.database.createSnapshot(named: "empty")
      try store.commit([.createTree("main"), Workload.put("main", "k", [1])])
      try store.reopen()
      try Model().verify(try store.database.snapshot(named: "empty"))
      try store.database.dropSnapshot(named: "empty")
    }
  }

  @Test
  func `names have one to 255 bytes, and name one snapshot each`() throws {
    try withStore { store in
      let database = store.database
      let longest = String(repeating: "n", count: 255)
      #expect(throws: NamedSnapshotError.invalidName("")) { try database.createSnapshot(named: "") }
      #expect(throws: NamedSnapshotError.invalidName(longest + "n")) {
        try database.createSnapshot(named: longest + "n")
      }
      try database.createSnapshot(named: longest)
      #expect(throws: NamedSnapshotError.exists(longest)) {
        try database.createSnapshot(named: longest)
      }
      #expect(throws: NamedSnapshotError.notFound("n")) { try database.dropSnapshot(named: "n") }
      #expect(throws: NamedSnapshotError.notFound("n")) { _ = try database.snapshot(named: "n") }
      // What Unicode calls the same are two names here.
      try database.createSnapshot(named: "\u{E9}")
      try database.createSnapshot(named: "e\u{301}")
      try store.reopen()
      #expect(try store.database.namedSnapshots().map(\.name).count == 3)
      try store.database.dropSnapshot(named: "\u{E9}")
      _ = try store.database.snapshot(named: "e\u{301}")
      #expect(throws: NamedSnapshotError.notFound("\u{E9}")) {
        _ = try store.database.snapshot(named: "\u{E9}")
      }
    }
  }

  @Test
  func `a closed store refuses`() throws {
    let store = try TestStore()
    try store.database.createSnapshot(named: "a")
    try store.database.close()
    let database = store.database
    #expect(throws: NamedSnapshotError.engine(.closed)) { try database.createSnapshot(named: "b") }
    #expect(throws: NamedSnapshotError.engine(.closed)) { try database.dropSnapshot(named: "a") }
    #expect(throws: NamedSnapshotError.engine(.closed)) { _ = try database.snapshot(named: "a") }
    #expect(throws: NamedSnapshotError.engine(.closed)) { _ = try database.namedSnapshots() }
  }

  @Test
  func `the trees of the engine are nobody's business`() throws {
    try withStore { store in
      try store.commit([.createTree("main")])
      try store.database.createSnapshot(named: "a")
      try store.database.createSnapshot(named: "b")
      for reader in [try store.database.snapshot(), try store.database.snapshot(named: "b")] {
        #expect(try reader.trees().map(\.name) == ["main"])
        #expect(try reader.tree(named: "engine/snapshots") == nil)
      }
      let (names, tree) = try store.database.write { transaction in
        (try transaction.trees().map(\.name), try transaction.tree(named: "engine/snapshots"))
      }
      #expect(names == ["main"])
      #expect(tree == nil)
      #expect(try store.database.information().trees.map(\.name) == ["main"])
    }
  }

  @Test(arguments: [false, true])
  func `a view that is open outlives its name`(_ restarts: Bool) throws {
    try withStore { store in
      var random = SplitMix64(seed: 4)
      var model = Model()
      try store.commit([.createTree("main")], to: &model)
      try store.commit(
        Workload.puts(100, of: 0...900, &random)
          + [Workload.put("main", "runs", random.bytes(200_000))], to: &model)
      try store.database.createSnapshot(named: "a")
      let kept = model
      for round in 0..<3 {
        try store.commit(
          Workload.puts(100, of: 0...900, &random)
            + [Workload.put("main", "runs", random.bytes(200_000))], to: &model)
        if restarts, round == 1 { try store.reopen() }
        try store.database.checkpoint()
      }
      let view = try store.database.snapshot(named: "a")
      try store.database.dropSnapshot(named: "a")
      for _ in 0..<6 {
        try store.commit(
          Workload.puts(100, of: 0...900, &random)
            + [Workload.put("main", "runs", random.bytes(200_000))], to: &model)
        try store.database.checkpoint()
        // What was dropped is not marked, whoever looks at it.
        try store.check()
        try kept.verify(view)
      }
      view.close()
    }
  }

  @Test
  func `who holds what for how long is told`() throws {
    final class Clock: Sendable {
      let now = Atomic<UInt64>(1000)
    }
    let clock = Clock()
    try withStore(adjust: { $0.clock = { clock.now.load(ordering: .relaxed) } }) { store in
      try store.commit([.createTree("main")])
      let old = try store.database.snapshot()
      clock.now.store(5000, ordering: .relaxed)
      try store.commit([Workload.put("main", "k", [1])])
      let young = try store.database.snapshot()
      let named = try store.database.createSnapshot(named: "a")
      #expect(named.createdAt == 5000)
      clock.now.store(7500, ordering: .relaxed)
      let information = try store.database.information()
      #expect(information.openSnapshots.map(\.lsn) == [old.lsn, young.lsn])
      #expect(information.openSnapshots.map(\.age) == [6500, 2500])
      #expect(information.openSnapshots.map(\.openedAt) == [1000, 5000])
      #expect(information.namedSnapshots == [named])
      old.close()
      old.close()
      #expect(try store.database.information().openSnapshots.map(\.lsn) == [young.lsn])
      young.close()
      #expect(try store.database.information().openSnapshots.isEmpty)
    }
  }
}
