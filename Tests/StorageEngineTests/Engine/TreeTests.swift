// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// Trees by name: create, find, list, drop.
struct TreeTests {
  @Test
  func `a new store has no trees`() throws {
    try withStore { store in
      let view = try store.database.snapshot()
      #expect(try view.trees().isEmpty)
      #expect(try view.tree(named: "any") == nil)
    }
  }

  @Test
  func `names that only Unicode calls equal are two trees`() throws {
    try withStore { store in
      let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")
      try store.commit([
        .createTree(composed), .createTree(decomposed),
        Workload.put(composed, "k", [1]), Workload.put(decomposed, "k", [2]),
      ])
      try store.reopen()
      let view = try store.database.snapshot()
      let values = try [composed, decomposed].map { name in
        try view.value(forKey: Array("k".utf8), in: #require(try view.tree(named: name)))
      }
      #expect(values == [[1], [2]])
    }
  }

  @Test
  func `trees are listed by name and found again after reopening`() throws {
    try withStore { store in
      let names = (0..<150).map { "tree \($0 * 7919 % 150)" }
      try store.commit(names.map { .createTree($0) })
      let before = try store.database.snapshot().trees()
      #expect(before.map(\.name) == names.sorted())
      #expect(Set(before.map(\.tree)).count == names.count)
      try store.reopen()
      let view = try store.database.snapshot()
      #expect(try view.trees().map(\.tree) == before.map(\.tree))
      let known = before.first { $0.name == "tree 77" }
      #expect(try view.tree(named: "tree 77") == known?.tree)
    }
  }

  @Test
  func `a name can be taken once, and again after a drop`() throws {
    try withStore { store in
      try store.commit([.createTree("one")])
      #expect(throws: EngineError.treeExists("one")) { try store.commit([.createTree("one")]) }
      let first = try store.database.snapshot().tree(named: "one")
      try store.commit([.dropTree("one"), .createTree("one")])
      let second = try store.database.snapshot().tree(named: "one")
      #expect(first != nil && second != nil && first != second, "identifiers are never reused")
      try store.commit([.dropTree("one")])
      try store.reopen()
      try store.commit([.createTree("one")])
      let third = try store.database.snapshot().tree(named: "one")
      #expect(third != first && third != second)
    }
  }

  @Test
  func `a dropped tree is gone with its entries, for those who come after`() throws {
    try withStore { store in
      try store.commit([.createTree("main"), .createTree("other")])
      try store.commit((0..<500).map { Workload.put("main", Workload.key(0, $0), [7]) })
      let view = try store.database.snapshot()
      let tree = try #require(try view.tree(named: "main"))
      try store.commit([.dropTree("main")])
      try store.database.checkpoint()
      #expect(try view.count(of: tree) == 500)
      let later = try store.database.snapshot()
      #expect(try later.trees().map(\.name) == ["other"])
      #expect(throws: EngineError.self) { _ = try later.count(of: tree) }
      #expect(throws: EngineError.self) { _ = try later.value(forKey: [1], in: tree) }
      #expect(throws: EngineError.self) { _ = try later.cursor(in: tree) }
      #expect(throws: EngineError.self) {
        try store.database.write { try $0.put([1], forKey: [1], in: tree) }
      }
      #expect(throws: EngineError.self) { try store.database.write { try $0.dropTree(tree) } }
      view.close()
    }
  }

  @Test(arguments: ["", String(repeating: "x", count: 100_000)])
  func `names that cannot be are refused`(_ name: String) throws {
    try withStore { store in
      let error = #expect(throws: EngineError.self) {
        try store.commit([.createTree(name)])
      }
      guard case .invalidTreeName? = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      let trees = try store.database.snapshot().trees()
      #expect(trees.isEmpty)
    }
  }

  @Test
  func `any text can be a name`() throws {
    try withStore { store in
      let names = ["a", "A", "ä", "日本", "with space", "zero\0inside", "new\nline", "👩‍👩‍👧"]
      try store.commit(names.map { .createTree($0) })
      try store.reopen()
      for name in names { #expect(try store.database.snapshot().tree(named: name) != nil) }
      let listed = try store.database.snapshot().trees().map(\.name)
      #expect(listed == names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
    }
  }
}
