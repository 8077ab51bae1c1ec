// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// What each conflict strategy excludes, and what it allows.
struct StrategyTests {
  /// Two transactions that are open at the same time, each of which commits or fails.
  private struct Pair {
    let database: Database
    let x: RecordID
    let y: RecordID
    let first: Transaction
    let second: Transaction

    init(_ store: TestStore, _ strategy: ConflictStrategy) throws {
      database = store.database
      let segment = try database.makeSegment()
      (x, y) = try database.transact { transaction in
        (
          try transaction.insert(bytes("x"), into: segment),
          try transaction.insert(bytes("y"), into: segment)
        )
      }
      first = try database.begin(TransactionOptions(strategy: strategy))
      second = try database.begin(TransactionOptions(strategy: strategy))
    }

    /// Commits the first, which must succeed, then the second; true if that does too.
    func commitBoth() throws -> Bool {
      try first.commit()
      do {
        try second.commit()
        return true
      } catch TransactionError.conflict {
        return false
      }
    }
  }

  @Test(arguments: ConflictStrategy.allCases)
  func `only the last write wins loses an update`(_ strategy: ConflictStrategy) throws {
    try withStore { store in
      let pair = try Pair(store, strategy)
      for transaction in [pair.first, pair.second] {
        let seen = try #require(try transaction.read(pair.x))
        try transaction.update(pair.x, to: seen + bytes("+"))
      }
      #expect(try pair.commitBoth() == (strategy == .lastWriteWins))
      // In either case one of the two additions: lost where both said that they had succeeded.
      #expect(try store.database.committed(pair.x) == bytes("x+"))
    }
  }

  @Test(arguments: ConflictStrategy.allCases)
  func `a write skew needs a strategy that does not check reads`(
    _ strategy: ConflictStrategy
  ) throws {
    try withStore { store in
      let pair = try Pair(store, strategy)
      #expect(try pair.first.read(pair.y) == bytes("y"))
      try pair.first.update(pair.x, to: bytes("first"))
      #expect(try pair.second.read(pair.x) == bytes("x"))
      try pair.second.update(pair.y, to: bytes("second"))
      let isAllowed = strategy == .lastWriteWins || strategy == .versionOnWrite
      #expect(try pair.commitBoth() == isAllowed)
      #expect(try store.database.committed(pair.x) == bytes("first"))
      #expect(try store.database.committed(pair.y) == bytes(isAllowed ? "second" : "y"))
    }
  }

  /// Each adds a record because it counted as many as there were.
  @Test(arguments: ConflictStrategy.allCases, [false, true])
  func `a phantom is excluded by the serializable strategy alone`(
    _ strategy: ConflictStrategy, _ scans: Bool
  ) throws {
    try withStore { store in
      let index = try store.database.makeIndex(.cluster)
      let transactions = try (0..<2).map { _ in
        try store.database.begin(TransactionOptions(strategy: strategy))
      }
      for (number, transaction) in transactions.enumerated() {
        if scans {
          #expect(try transaction.entries(of: index, IndexBounds("a"..<"c")).isEmpty)
        } else {
          #expect(try transaction.count(of: index) == 0)
        }
        try transaction.put(UInt64(number), forKey: "b", in: index)
      }
      try transactions[0].commit()
      if strategy == .serializable {
        #expect(throws: TransactionError.conflict(tree: "index")) { try transactions[1].commit() }
      } else {
        try transactions[1].commit()
      }
    }
  }

  @Test
  func `a serializable transaction is not disturbed by keys outside the ranges it visited`() throws
  {
    try withStore { store in
      let index = try store.database.makeIndex(.cluster)
      let transaction = try store.database.begin(TransactionOptions(strategy: .serializable))
      #expect(try transaction.entries(of: index, IndexBounds("a"..<"c")).isEmpty)
      try transaction.put(1, forKey: "b", in: index)
      try store.database.transact { try $0.put(1, forKey: "c", in: index) }
      try store.database.transact { try $0.put(1, forKey: "A", in: index) }
      try transaction.commit()
      #expect(try store.database.read { try $0.count(of: index) } == 3)
    }
  }

  @Test(arguments: ConflictStrategy.allCases)
  func `no strategy shows two states in one transaction`(_ strategy: ConflictStrategy) throws {
    try withStore { store in
      let pair = try Pair(store, strategy)
      #expect(try pair.first.read(pair.x) == bytes("x"))
      try store.database.transact { transaction in
        try transaction.update(pair.x, to: bytes("new"))
        try transaction.update(pair.y, to: bytes("new"))
      }
      // Neither the other half of what was committed meanwhile, nor another value when read again.
      #expect(try pair.first.read(pair.y) == bytes("y"))
      #expect(try pair.first.read(pair.x) == bytes("x"))
      #expect(try pair.first.records(of: pair.x.segment).count == 2)
    }
  }

  /// One way to read a key of an index.
  enum KeyRead: CaseIterable {
    case first, values

    func read(
      _ key: String, _ index: Index<String, UInt64>, _ transaction: Transaction
    ) throws -> [UInt64] {
      switch self {
      case .first: try transaction.first(forKey: key, in: index).map { [$0] } ?? []
      case .values: try transaction.values(forKey: key, in: index)
      }
    }
  }

  @Test(arguments: ConflictStrategy.allCases, IndexMode.allCases)
  func `a key of an index that was read, there or not, and then changed counts as changed`(
    _ strategy: ConflictStrategy, _ mode: IndexMode
  ) throws {
    for (key, read) in ["absent", "present"].flatMap({ key in
      KeyRead.allCases.map { (key, $0) }
    }) {
      try withStore { store in
        let index = try store.database.makeIndex(mode)
        try store.database.transact { try $0.put(1, forKey: "present", in: index) }
        let transaction = try store.database.begin(TransactionOptions(strategy: strategy))
        #expect(try read.read(key, index, transaction) == (key == "present" ? [1] : []))
        try transaction.put(1, forKey: "other", in: index)
        try store.database.transact { other in
          if mode == .exclusive { try other.removeKey(key, from: index) }
          try other.put(2, forKey: key, in: index)
        }
        if strategy == .versionOnRead || strategy == .serializable {
          #expect(throws: TransactionError.conflict(tree: "index"), "\(key), \(read)") {
            try transaction.commit()
          }
        } else {
          try transaction.commit()
        }
      }
    }
  }

  /// The values of a key lie in entries of their own, beside those of longer keys.
  @Test
  func `a key of a cluster index that was read is not at odds with what others have`() throws {
    for read in KeyRead.allCases {
      try withStore { store in
        let index = try store.database.makeIndex(.cluster)
        let transaction = try store.database.begin(TransactionOptions(strategy: .versionOnRead))
        #expect(try read.read("b", index, transaction).isEmpty)
        try transaction.put(1, forKey: "other", in: index)
        for key in ["a", "ba", "c"] {
          try store.database.transact { try $0.put(1, forKey: key, in: index) }
        }
        try transaction.commit()
      }
    }
  }

  /// What was removed is what was found: a value that came meanwhile would be left.
  @Test(arguments: ConflictStrategy.allCases)
  func `who removed a key of a cluster index has read its values`(
    _ strategy: ConflictStrategy
  ) throws {
    try withStore { store in
      let index = try store.database.makeIndex(.cluster)
      try store.database.transact { try $0.put(1, forKey: "key", in: index) }
      let transaction = try store.database.begin(TransactionOptions(strategy: strategy))
      try transaction.removeKey("key", from: index)
      try store.database.transact { try $0.put(2, forKey: "key", in: index) }
      if strategy == .versionOnRead || strategy == .serializable {
        #expect(throws: TransactionError.conflict(tree: "index")) { try transaction.commit() }
      } else {
        try transaction.commit()
      }
    }
  }

  /// Each reads what the other changes: the one whether there is a segment, the other a record.
  @Test(arguments: ConflictStrategy.allCases, [false, true])
  func `whether there is a segment of a number counts as read`(
    _ strategy: ConflictStrategy, _ isThere: Bool
  ) throws {
    try withStore { store in
      let record = try store.database.makeRecord()
      let other = try store.database.makeSegment("other")
      let asked = isThere ? other : SegmentID(rawValue: other.rawValue + 1)
      let first = try store.database.begin(TransactionOptions(strategy: strategy))
      let second = try store.database.begin(TransactionOptions(strategy: strategy))
      #expect(try first.hasSegment(asked) == isThere)
      try first.update(record, to: bytes("because of it"))
      #expect(try second.read(record) == bytes("old"))
      if isThere {
        try second.dropSegment(other)
      } else {
        #expect(try second.createSegment(named: "made") == asked)
      }
      try second.commit()
      if strategy == .versionOnRead || strategy == .serializable {
        let changed = isThere ? "other" : "the names of trees"
        #expect(throws: TransactionError.conflict(tree: changed)) { try first.commit() }
      } else {
        try first.commit()
      }
    }
  }

  @Test(arguments: [ConflictStrategy.versionOnRead, .serializable])
  func `who was refused a second value or an update has read that`(
    _ strategy: ConflictStrategy
  ) throws {
    try withStore { store in
      let record = try store.database.makeRecord()
      let index = try store.database.makeIndex(.exclusive)
      try store.database.transact { try $0.put(1, forKey: "taken", in: index) }
      let refused = try store.database.begin(TransactionOptions(strategy: strategy))
      #expect(throws: IndexError.self) { try refused.put(2, forKey: "taken", in: index) }
      try refused.update(record, to: bytes("it was taken"))
      try store.database.transact { try $0.removeKey("taken", from: index) }
      #expect(throws: TransactionError.conflict(tree: "index")) { try refused.commit() }
    }
  }

  @Test(arguments: ConflictStrategy.allCases)
  func `a transaction that changed nothing always commits`(_ strategy: ConflictStrategy) throws {
    try withStore { store in
      let pair = try Pair(store, strategy)
      _ = try pair.first.records(of: pair.x.segment)
      try store.database.transact { try $0.update(pair.x, to: bytes("new")) }
      let before = store.disk.mutations
      try pair.first.commit()
      #expect(store.disk.mutations == before)
      #expect(throws: TransactionError.ended) { try pair.first.commit() }
    }
  }

  @Test
  func `a segment that is dropped must be unchanged, unless the last write wins`() throws {
    for strategy in ConflictStrategy.allCases {
      try withStore { store in
        let pair = try Pair(store, strategy)
        try pair.first.update(pair.x, to: bytes("new"))
        try pair.second.dropSegment(pair.x.segment)
        #expect(try pair.commitBoth() == (strategy == .lastWriteWins))
      }
    }
  }

  @Test
  func `a write of the exclusive kind counts among the commits of the others`() throws {
    try withStore { store in
      let pair = try Pair(store, .versionOnWrite)
      try pair.first.update(pair.x, to: bytes("new"))
      try store.database.write { try $0.update(pair.x, to: bytes("written")) }
      #expect(throws: TransactionError.conflict(tree: "records")) { try pair.first.commit() }
      #expect(try store.database.committed(pair.x) == bytes("written"))
    }
  }

  enum NameRead: CaseIterable {
    case absent, present, refused, list, listOfIndexes

    func read(_ transaction: Transaction) throws {
      switch self {
      case .absent: #expect(try transaction.segment(named: "made") == nil)
      case .present: #expect(try transaction.segment(named: "dropped") != nil)
      case .refused:
        #expect(throws: SegmentError.segmentExists("dropped")) {
          _ = try transaction.createSegment(named: "dropped")
        }
      case .list: _ = try transaction.segments()
      case .listOfIndexes: _ = try transaction.indexes()
      }
    }
  }

  @Test(arguments: ConflictStrategy.allCases, NameRead.allCases)
  func `a name that was looked up counts as read, and a list of names as a range`(
    _ strategy: ConflictStrategy, _ read: NameRead
  ) throws {
    try withStore { store in
      let record = try store.database.makeRecord()
      let dropped = try store.database.makeSegment("dropped")
      let transaction = try store.database.begin(TransactionOptions(strategy: strategy))
      try read.read(transaction)
      try transaction.update(record, to: bytes("because of it"))
      try store.database.transact { writer in
        _ = try writer.createSegment(named: "made")
        try writer.dropSegment(dropped)
      }
      let isList = read == .list || read == .listOfIndexes
      if strategy == .serializable || strategy == .versionOnRead && !isList {
        #expect(throws: TransactionError.conflict(tree: "the names of trees")) {
          try transaction.commit()
        }
      } else {
        try transaction.commit()
      }
    }
  }

  @Test
  func `a list of names is not disturbed by transactions that are prepared and decided`() throws {
    try withStore { store in
      let record = try store.database.makeRecord()
      let transaction = try store.database.begin(TransactionOptions(strategy: .serializable))
      #expect(try transaction.segments().count == 1)
      _ = try transaction.insert(bytes("new"), into: record.segment)
      let other = try store.database.begin()
      try other.update(record, to: bytes("other"))
      try other.prepare().commit()
      try store.database.write { try $0.update(record, to: bytes("another")) }
      try transaction.commit()
    }
  }
}
