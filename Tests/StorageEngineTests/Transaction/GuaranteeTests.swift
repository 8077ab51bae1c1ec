// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// What transactions that are open side by side may rely on, one guarantee each.
struct GuaranteeTests {
  private static func key(_ text: String) -> [UInt8] { Array(text.utf8) }

  /// Two transactions on a tree with the keys a, b and c; the first commits, then the second.
  private func conflict(
    _ strategy: ConflictStrategy, first: (Transaction, TreeID) throws -> Void,
    second: (Transaction, TreeID) throws -> Void
  ) throws -> TransactionError? {
    try withStore { (store) -> TransactionError? in
      let tree = try store.database.write { transaction in
        let tree = try transaction.createTree(named: "tree")
        for name in ["a", "b", "c"] {
          try transaction.put([0], forKey: Self.key(name), in: tree)
        }
        return tree
      }
      let one = try store.database.begin(TransactionOptions(strategy: strategy))
      let other = try store.database.begin(TransactionOptions(strategy: strategy))
      try first(one, tree)
      try second(other, tree)
      try one.commit()
      do throws(TransactionError) {
        try other.commit()
        return nil
      } catch {
        return error
      }
    }
  }

  @Test(arguments: [ConflictStrategy.versionOnWrite, .versionOnRead, .serializable])
  func `of two that write one key the second is refused`(_ strategy: ConflictStrategy) throws {
    let error = try conflict(strategy) { one, tree in
      try one.put([1], forKey: Self.key("a"), in: tree)
    } second: { other, tree in
      try other.put([2], forKey: Self.key("a"), in: tree)
    }
    #expect(error == .conflict(tree: "tree"))
  }

  @Test(arguments: [ConflictStrategy.versionOnRead, .serializable])
  func `one that read what another wrote is refused`(_ strategy: ConflictStrategy) throws {
    let error = try conflict(strategy) { one, tree in
      try one.put([1], forKey: Self.key("a"), in: tree)
    } second: { other, tree in
      _ = try other.value(forKey: Self.key("a"), in: tree)
      try other.put([2], forKey: Self.key("b"), in: tree)
    }
    #expect(error == .conflict(tree: "tree"))
  }

  @Test
  func `one that visited a range into which another wrote is refused`() throws {
    let error = try conflict(.serializable) { one, tree in
      try one.put([1], forKey: Self.key("bb"), in: tree)
    } second: { other, tree in
      let cursor = try other.cursor(in: tree, range: KeyRange(from: Self.key("b")))
      while try cursor.next() {}
      try other.put([2], forKey: Self.key("a"), in: tree)
    }
    #expect(error == .conflict(tree: "tree"))
  }

  @Test
  func `an exclusive index gets no second value from one that saw none`() throws {
    try withStore { store in
      let index = try store.database.write {
        try $0.createIndex(
          named: "index", keys: UInt64.self, values: UInt64.self, mode: .exclusive)
      }
      let options = TransactionOptions(strategy: .lastWriteWins)
      let one = try store.database.begin(options)
      let other = try store.database.begin(options)
      try one.put(1, forKey: 7, in: index)
      try other.put(2, forKey: 7, in: index)
      try one.commit()
      #expect {
        try other.commit()
      } throws: { error in
        if case TransactionError.duplicateKey(index: "index", _) = error { true } else { false }
      }
    }
  }

  @Test(arguments: [true, false])
  func `what is prepared is held, also after the store was opened again`(_ reopens: Bool) throws {
    try withStore(adjust: { $0.lockWait = .milliseconds(1) }) { store in
      let tree = try store.database.write { try $0.createTree(named: "tree") }
      var prepared: PreparedTransaction?
      do {
        let transaction = try store.database.begin(TransactionOptions(identifier: [1, 2]))
        try transaction.put([1], forKey: Self.key("a"), in: tree)
        prepared = try transaction.prepare()
      }
      let number = try #require(prepared?.number)
      if reopens { try store.reopen() }
      #expect(try store.database.inDoubtTransactions().map(\.identifier) == [[1, 2]])
      let other = try store.database.begin(TransactionOptions(strategy: .lastWriteWins))
      try other.put([2], forKey: Self.key("a"), in: tree)
      #expect(throws: TransactionError.lockTimeout(holder: [1, 2])) { try other.commit() }
      #expect(try store.database.snapshot().value(forKey: Self.key("a"), in: tree) == nil)
      try store.database.decide(.commit, on: number)
      #expect(try store.database.snapshot().value(forKey: Self.key("a"), in: tree) == [1])
      withExtendedLifetime(prepared) {}
    }
  }

  @Test
  func `a record's number is given once, also after the store was opened again`() throws {
    try withStore { store in
      let segment = try store.database.write { try $0.createSegment(named: "segment") }
      let first = try store.database.write { transaction in
        let record = try transaction.insert([1], into: segment)
        try transaction.delete(record)
        return record
      }
      try store.reopen()
      let second = try store.database.write { try $0.insert([2], into: segment) }
      #expect(second > first)
    }
  }

  @Test
  func `what is prepared can be committed once there is room again`() throws {
    try withStore { store in
      let tree = try store.database.write { try $0.createTree(named: "tree") }
      let transaction = try store.database.begin()
      for number in 0..<400 {
        let value = [UInt8](repeating: 7, count: 5000)
        try transaction.put(value, forKey: Self.key("prepared \(number)"), in: tree)
      }
      let prepared = try transaction.prepare()
      store.disk.setCapacity(store.disk.image.length)
      #expect(throws: EngineError.outOfSpace) {
        for number in 0..<100_000 {
          try store.database.write {
            try $0.put([UInt8](repeating: 8, count: 5000), forKey: Self.key("\(number)"), in: tree)
          }
        }
      }
      for _ in 0..<2 {
        #expect(throws: TransactionError.engine(.outOfSpace)) { try prepared.commit() }
      }
      #expect(try store.database.inDoubtTransactions().map(\.number) == [prepared.number])
      store.disk.setCapacity(1 << 30)
      try prepared.commit()
      let value = try store.database.snapshot().value(forKey: Self.key("prepared 399"), in: tree)
      #expect(value?.count == 5000)
      #expect(throws: TransactionError.ended) { try prepared.commit() }
    }
  }
}
