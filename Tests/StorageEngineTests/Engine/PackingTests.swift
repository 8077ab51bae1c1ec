// SPDX-License-Identifier: Apache-2.0

@testable import StorageEngine
import TestSupport
import Testing

/// How full leaves are behind deletes, and that nothing is lost by filling them.
struct PackingTests {
  @Test(arguments: [4096, 8192, 65536], [2, 3, 10])
  func `leaves are full again behind deletes that pass over a tree`(
    pageBytes: Int, kept: Int
  ) throws {
    try withStore(pageBytes: pageBytes) { store in
      try store.commit([.createTree("main")])
      let keys = (0..<30_000).map { Workload.key(0, $0) }
      try store.commit(keys.map { Workload.put("main", $0, [UInt8](repeating: 7, count: 60)) })
      let gone = keys.indices.filter { $0 % kept != 1 }
      try store.commit(gone.map { Workload.delete("main", keys[$0]) })
      let usage = try #require(try store.database.treeUsage().first { $0.name == "main" })
      // The last leaf may be nearly empty.
      #expect(usage.fillPercent >= (pageBytes == 65536 ? 70 : 80))
      #expect(try count(in: store) == keys.count - gone.count)
    }
  }

  @Test(arguments: [4096, 8192, 65536], [0, 3])
  func `leaves that random inserts have left half full are full after a compaction`(
    pageBytes: Int, commits: Int
  ) throws {
    try withStore(pageBytes: pageBytes) { store in
      var model = Model()
      try store.commit([.createTree("main"), .createTree("other")], to: &model)
      var random = SplitMix64(seed: TestEnvironment.seed)
      func put(_ count: Int) -> [Change] {
        (0..<count).map { _ in
          .put(
            tree: random.below(40) > 0 ? "main" : "other", key: random.bytes(24),
            value: random.bytes(60))
        }
      }
      try store.commit(put(30_000), to: &model)
      for _ in 0..<20 { try store.commit(put(500), to: &model) }
      let before = try #require(try store.database.treeUsage().first { $0.name == "main" })
      _ = try store.database.compact()
      let after = try #require(try store.database.treeUsage().first { $0.name == "main" })
      #expect(before.fillPercent < 75)
      #expect(after.fillPercent >= 88)
      for _ in 0..<commits { try store.commit(put(700), to: &model) }
      try model.verify(try store.database.snapshot())
      // Nothing is left to pack.
      if commits == 0 {
        let lsn = try store.database.snapshot().lsn
        try store.database.packLeaves { true }
        #expect(try store.database.snapshot().lsn == lsn)
      }
      try store.reopen()
      try model.verify(try store.database.snapshot())
    }
  }

  /// A recovery does not pack, so it needs more pages than the store that it recovers.
  @Test(arguments: 0..<3)
  func `on a full disk a recovery finds room for what was committed while leaves were packed`(
    round: Int
  ) throws {
    let seed = TestEnvironment.seed &+ UInt64(round)
    var random = SplitMix64(seed: seed)
    let disk = SimulatedDisk()
    try withStore(on: disk) { store in
      var model = Model()
      func put(_ count: Int) -> [Change] {
        (0..<count).map { _ in
          .put(tree: "main", key: random.bytes(24), value: random.bytes(60))
        }
      }
      try store.commit([.createTree("main")] + put(8000), to: &model)
      for _ in 0..<20 { try store.commit(put(200), to: &model) }
      for _ in 0..<2 { try store.database.checkpoint() }
      disk.setCapacity(disk.image.length)
      var steps = 0
      try store.database.packLeaves {
        steps += 1
        do {
          for commit in 0..<(steps > 1 ? 1000 : 0) {
            try store.commit(put(1), to: &model)
            if commit % 20 == 0 { try expectRecovery(of: disk, model) }
          }
        } catch EngineError.outOfSpace {
          // As full as it gets.
        } catch {
          Issue.record("RECORD_STORE_SEED=\(seed): \(error)")
        }
        return steps < 3
      }
      #expect(steps > 1)
      try expectRecovery(of: disk, model)
      try model.verify(try store.database.snapshot())
      disk.setCapacity(1 << 30)
    }
  }

  @Test
  func `entries of which no more fit into a leaf are not moved about`() throws {
    try withStore { store in
      var model = Model()
      var random = SplitMix64(seed: TestEnvironment.seed)
      try store.commit([.createTree("main")], to: &model)
      // Three in each leaf of 4096 bytes, four of which would not fit.
      for _ in 0..<20 {
        let changes: [Change] = (0..<60).map { _ in
          .put(tree: "main", key: random.bytes(24), value: random.bytes(960))
        }
        try store.commit(changes, to: &model)
      }
      try store.database.packLeaves { true }
      let lsn = try store.database.snapshot().lsn
      try store.database.packLeaves { true }
      #expect(try store.database.snapshot().lsn == lsn)
      try model.verify(try store.database.snapshot())
    }
  }

  @Test
  func `threads commit while leaves are packed`() throws {
    try withStore { store in
      var random = SplitMix64(seed: TestEnvironment.seed)
      var changes: [Change] = [.createTree("main")]
      for _ in 0..<20_000 {
        changes.append(.put(tree: "main", key: random.bytes(24), value: random.bytes(60)))
      }
      try store.commit(changes)
      for part in 0..<40 {
        try store.commit(
          (0..<100).map { Workload.put("main", "\(random.next()) \(part) \($0)", [1]) })
      }
      let database = store.database
      let before = try count(in: store)
      try runThreads(3) { thread in
        if thread == 0 {
          try database.packLeaves { true }
        } else {
          for number in 0..<200 {
            try database.write { transaction in
              try Workload.put("main", "\(number * 7919) by \(thread)", [2]).apply(to: transaction)
            }
          }
        }
      }
      #expect(try count(in: store) == before + 400)
    }
  }

  private func expectRecovery(of disk: SimulatedDisk, _ model: Model) throws {
    let cut = disk.crashed(.keepAll)
    cut.setCapacity(disk.image.length)
    let recovered = try TestStore(opening: cut)
    try model.verify(try recovered.database.snapshot())
    try recovered.checkTwiceAndClose()
  }

  @Test
  func `leaves that a named snapshot or an open one sees are shown as they were`() throws {
    try withStore { store in
      var model = Model()
      var random = SplitMix64(seed: TestEnvironment.seed)
      func put(_ count: Int) -> [Change] {
        (0..<count).map { _ in
          .put(tree: "main", key: random.bytes(24), value: random.bytes(60))
        }
      }
      try store.commit([.createTree("main")] + put(4000), to: &model)
      for _ in 0..<10 { try store.commit(put(100), to: &model) }
      try store.database.createSnapshot(named: "kept")
      let lsn = try store.database.snapshot().lsn
      try store.database.packLeaves { true }
      #expect(try store.database.snapshot().lsn == lsn)
      for _ in 0..<10 { try store.commit(put(300), to: &model) }
      try store.database.dropSnapshot(named: "kept")
      try store.database.createSnapshot(named: "later")
      try store.database.dropSnapshot(named: "later")
      let view = try store.database.snapshot()
      let open = model
      try store.database.packLeaves { true }
      #expect(try store.database.snapshot().lsn == view.lsn)
      try store.commit(put(300), to: &model)
      try open.verify(view)
      view.close()
      let before = try store.database.snapshot().lsn
      try store.database.packLeaves { true }
      #expect(try store.database.snapshot().lsn > before)
      try model.verify(try store.database.snapshot())
    }
  }

  @Test(arguments: 0..<6)
  func `keys of all lengths are found after deletes and puts that pass over them`(
    round: Int
  ) throws {
    try withStore { store in
      try store.commit([.createTree("main")])
      var random = SplitMix64(seed: TestEnvironment.seed &+ UInt64(round))
      var model: [[UInt8]: [UInt8]] = [:]
      for step in 0..<25 {
        var changes: [Change] = []
        let isDeleting = step % 3 != 0
        for key in isDeleting ? model.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) : []
        where random.below(2) == 0 {
          model[key] = nil
          changes.append(.delete(tree: "main", key: key))
        }
        for _ in 0..<(isDeleting ? 40 : 1200) {
          let key = self.key(&random)
          let value = random.bytes(random.below(Self.lengths[random.below(40) % 4]))
          model[key] = value
          changes.append(.put(tree: "main", key: key, value: value))
        }
        try store.commit(changes)
        try expect(model, in: store)
        if step % 5 == 4 { try store.database.checkpoint() }
        if step % 8 == 5 { try store.database.createSnapshot(named: "at \(step)") }
        if step % 8 == 7 { try store.database.dropSnapshot(named: "at \(step - 2)") }
      }
    }
  }

  /// In the leaf, in pages beside it, now and then in runs.
  static let lengths = [60, 700, 60, 5000]

  /// Many share long beginnings, so that the prefixes of leaves differ.
  private func key(_ random: inout SplitMix64) -> [UInt8] {
    let shared = [UInt8](repeating: UInt8(random.below(3)), count: [1, 20, 300][random.below(3)])
    return shared + random.bytes(1 + random.below(12))
  }

  private func count(in store: TestStore) throws -> Int {
    try store.database.read { view in
      Int(try view.count(of: try #require(try view.tree(named: "main"))))
    }
  }

  private func expect(_ model: [[UInt8]: [UInt8]], in store: TestStore) throws {
    try store.database.read { view in
      let tree = try #require(try view.tree(named: "main"))
      var found: [[UInt8]: [UInt8]] = [:]
      let cursor = try view.cursor(in: tree)
      while try cursor.next() { found[cursor.key] = try cursor.value() }
      #expect(found == model)
      for (key, value) in model where key.count % 7 == 0 {
        #expect(try view.value(forKey: key, in: tree) == value)
      }
    }
  }
}
