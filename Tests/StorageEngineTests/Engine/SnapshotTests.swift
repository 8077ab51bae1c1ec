// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// Views that do not change, whatever happens meanwhile.
struct SnapshotTests {
  @Test
  func `snapshots keep showing what they showed`() throws {
    try withStore { store in
      var random = SplitMix64(seed: TestEnvironment.seed)
      var model = Model()
      var views: [(view: Snapshot, model: Model)] = []
      try store.commit([.createTree("main")], to: &model)
      for round in 0..<40 {
        try store.commit(Workload.puts(30, of: 0...3000, &random), to: &model)
        try store.commit(
          (0..<20).map { _ in Workload.delete("main", "key \(random.below(300))") }, to: &model)
        if round % 4 == 0 { views.append((try store.database.snapshot(), model)) }
        if round % 3 == 0 { try store.database.checkpoint() }
        if round % 7 == 6 { views.remove(at: random.below(views.count)).view.close() }
        for (view, model) in views { try model.verify(view) }
      }
      for (view, _) in views { view.close() }
      try model.verify(try store.database.snapshot())
    }
  }

  @Test
  func `a snapshot survives the drop of its tree and of large values`() throws {
    try withStore { store in
      var random = SplitMix64(seed: TestEnvironment.seed)
      var model = Model()
      try store.commit(
        [.createTree("main"), Workload.put("main", "large", random.bytes(1_500_000))], to: &model)
      let view = try store.database.snapshot()
      try store.commit([.dropTree("main"), .createTree("other")])
      for round in 0..<6 {
        try store.commit([Workload.put("other", "large", random.bytes(1_500_000))])
        if round % 2 == 0 { try store.database.checkpoint() }
      }
      try model.verify(view)
      view.close()
    }
  }

  @Test
  func `a snapshot shows what was flushed before it was taken and nothing later`() throws {
    try withStore { store in
      try store.commit([.createTree("main")])
      let before = try store.database.snapshot()
      try store.commit([Workload.put("main", "k", [1])], durability: .manual)
      try store.database.flush()
      let after = try store.database.snapshot()
      let tree = try #require(try after.tree(named: "main"))
      #expect(try before.count(of: tree) == 0)
      #expect(try after.count(of: tree) == 1)
      #expect(before.lsn < after.lsn)
    }
  }

  @Test
  func `a closed snapshot refuses`() throws {
    try withStore { store in
      try store.commit([.createTree("main"), Workload.put("main", "k", [1])])
      let view = try store.database.snapshot()
      let tree = try #require(try view.tree(named: "main"))
      let cursor = try view.cursor(in: tree)
      view.close()
      view.close()
      #expect(throws: EngineError.self) { _ = try view.value(forKey: [1], in: tree) }
      #expect(throws: EngineError.self) { _ = try view.trees() }
      #expect(throws: EngineError.self) { _ = try cursor.next() }
    }
  }

  @Test
  func `a snapshot left open does not keep the store from closing`() throws {
    let store = try TestStore()
    try store.commit([.createTree("main"), Workload.put("main", "k", [1])])
    let view = try store.database.snapshot()
    try store.database.close()
    #expect(throws: EngineError.self) { _ = try view.trees() }
  }
}
