// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// All or nothing, and what a transaction sees.
struct TransactionTests {
  private struct Rollback: Error {}

  @Test
  func `a transaction that throws leaves no trace and its error is passed on`() throws {
    try withStore { store in
      var model = Model()
      try store.commit([.createTree("main"), Workload.put("main", "k", [1])], to: &model)
      let before = try store.database.snapshot().lsn
      #expect(throws: Rollback.self) {
        try store.database.write { transaction in
          let tree = try #require(try transaction.tree(named: "main"))
          let other = try transaction.createTree(named: "other")
          try transaction.put([UInt8](repeating: 1, count: 500_000), forKey: [1], in: other)
          try transaction.delete(Array("k".utf8), in: tree)
          #expect(try transaction.value(forKey: Array("k".utf8), in: tree) == nil)
          try transaction.dropTree(tree)
          throw Rollback()
        }
      }
      #expect(try store.database.snapshot().lsn == before)
      try model.verify(try store.database.snapshot())
      try store.commit([Workload.put("main", "after", [2])], to: &model)
      try model.verify(try store.database.snapshot())
      try store.reopen()
      try model.verify(try store.database.snapshot())
    }
  }

  @Test
  func `large values that come to nothing occupy nothing`() throws {
    try withStore { store in
      try store.commit([.createTree("main"), .createTree("other")])
      func put(_ bytes: Int, _ transaction: WriteTransaction, _ tree: String) throws {
        let tree = try #require(try transaction.tree(named: tree))
        try transaction.put([UInt8](repeating: 1, count: bytes), forKey: [1], in: tree)
      }
      // Grown once, so that the figures can be compared.
      #expect(throws: Rollback.self) {
        try store.database.write { transaction in
          try put(900_000, transaction, "main")
          throw Rollback()
        }
      }
      let free = try store.database.information().freeBytes
      for _ in 0..<3 {
        #expect(throws: Rollback.self) {
          try store.database.write { transaction in
            try put(800_000, transaction, "main")
            throw Rollback()
          }
        }
        #expect(try store.database.information().freeBytes == free)
      }
      #expect(throws: Rollback.self) {
        try store.database.write { transaction in
          // Replaced, deleted, dropped with its tree, all before the commit.
          try put(700_000, transaction, "main")
          try put(10, transaction, "main")
          #expect(try store.database.information().freeBytes == free)
          try put(700_000, transaction, "main")
          try transaction.delete([1], in: try #require(try transaction.tree(named: "main")))
          #expect(try store.database.information().freeBytes == free)
          try put(700_000, transaction, "other")
          try transaction.dropTree(try #require(try transaction.tree(named: "other")))
          #expect(try store.database.information().freeBytes == free)
          throw Rollback()
        }
      }
    }
  }

  @Test
  func `a refused change can be caught and the transaction goes on`() throws {
    try withStore { store in
      var model = Model()
      try store.commit([.createTree("main")], to: &model)
      try store.database.write { transaction in
        let tree = try #require(try transaction.tree(named: "main"))
        try transaction.put([1], forKey: [1], in: tree)
        #expect(throws: EngineError.self) { try transaction.put([2], forKey: [], in: tree) }
        #expect(throws: EngineError.self) { _ = try transaction.createTree(named: "main") }
        try transaction.put([3], forKey: [3], in: tree)
      }
      model.apply(.put(tree: "main", key: [1], value: [1]))
      model.apply(.put(tree: "main", key: [3], value: [3]))
      try model.verify(try store.database.snapshot())
    }
  }

  @Test
  func `a transaction sees its own changes and every earlier commit`() throws {
    try withStore { store in
      try store.commit([.createTree("main")], durability: .manual)
      for number in 0..<50 {
        let count = try store.database.write(durability: .manual) { transaction in
          let tree = try #require(try transaction.tree(named: "main"))
          if number > 0 {
            #expect(try transaction.value(forKey: [UInt8(number - 1)], in: tree) == [9])
          }
          try transaction.put([9], forKey: [UInt8(number)], in: tree)
          #expect(try transaction.value(forKey: [UInt8(number)], in: tree) == [9])
          return try transaction.count(of: tree)
        }
        #expect(count == UInt64(number + 1))
      }
      try store.database.flush()
      let view = try store.database.snapshot()
      #expect(try view.count(of: try #require(try view.tree(named: "main"))) == 50)
    }
  }

  @Test
  func `a transaction without changes commits nothing`() throws {
    let disk = SimulatedDisk()
    try withStore(on: disk) { store in
      try store.commit([.createTree("main")])
      let before = disk.mutations
      let answer = try store.database.write { transaction in
        try transaction.trees().count
      }
      #expect(answer == 1)
      #expect(disk.mutations == before)
    }
  }

  @Test
  func `a transaction used after its end refuses`() throws {
    try withStore { store in
      try store.commit([.createTree("main")])
      var escaped: (transaction: WriteTransaction, tree: TreeID)?
      try store.database.write { transaction in
        let tree = try #require(try transaction.tree(named: "main"))
        try transaction.put([1], forKey: [1], in: tree)
        escaped = (transaction, tree)
      }
      let (transaction, tree) = try #require(escaped)
      #expect(throws: EngineError.self) { try transaction.put([2], forKey: [2], in: tree) }
      #expect(throws: EngineError.self) { try transaction.delete([1], in: tree) }
      #expect(throws: EngineError.self) { _ = try transaction.createTree(named: "late") }
      #expect(throws: EngineError.self) { try transaction.dropTree(tree) }
      let view = try store.database.snapshot()
      #expect(try view.count(of: tree) == 1)
    }
  }

  @Test
  func `many trees change in one transaction or not at all`() throws {
    try withStore { store in
      var model = Model()
      try store.commit((0..<40).map { .createTree("tree \($0)") }, to: &model)
      for round in 0..<5 {
        try store.commit(
          (0..<40).map { Workload.put("tree \($0)", "k\(round)", [UInt8(round)]) }, to: &model)
      }
      try store.database.checkpoint()
      try store.reopen()
      try model.verify(try store.database.snapshot())
    }
  }
}
