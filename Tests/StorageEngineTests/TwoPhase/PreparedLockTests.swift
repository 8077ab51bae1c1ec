// SPDX-License-Identifier: Apache-2.0

import Glibc
import StorageEngine
import TestSupport
import Testing

/// What a prepared transaction holds, and who waits for it.
struct PreparedLockTests {
  /// One way to need what a prepared transaction holds.
  enum Need: CaseIterable {
    case update, delete, insertOfName, dropOfSegment, writeWhereItReads, indexOfName

    /// Does it in a transaction; `record` is updated by the prepared one and `read` was read.
    func attempt(_ transaction: some TreeWriting, _ record: RecordID, _ read: RecordID) throws {
      switch self {
      case .update: try transaction.update(record, to: bytes("other"))
      case .delete: try transaction.delete(record)
      case .insertOfName: _ = try transaction.createSegment(named: "made")
      case .dropOfSegment: try transaction.dropSegment(record.segment)
      case .writeWhereItReads: try transaction.update(read, to: bytes("other"))
      case .indexOfName:
        _ = try transaction.createIndex(
          named: "made", keys: Bool.self, values: Bool.self, mode: .replace)
      }
    }
  }

  /// A prepared transaction that updates a record, reads another and makes a segment and an index.
  private func prepare(
    _ database: Database
  ) throws -> (prepared: PreparedTransaction, record: RecordID, read: RecordID) {
    let record = try database.makeRecord()
    let read = try database.transact { try $0.insert(bytes("read"), into: record.segment) }
    let transaction = try database.begin(
      TransactionOptions(strategy: .versionOnRead, identifier: bytes("holder")))
    try transaction.update(record, to: bytes("held"))
    _ = try transaction.read(read)
    _ = try transaction.createSegment(named: "made")
    _ = try transaction.createIndex(
      named: "made", keys: Bool.self, values: Bool.self, mode: .replace)
    return (try transaction.prepare(), record, read)
  }

  private func expectHeld(_ database: Database, _ record: RecordID, _ read: RecordID) throws {
    let refusal = TransactionError.lockTimeout(holder: bytes("holder"))
    for need in Need.allCases {
      for strategy in ConflictStrategy.allCases {
        let transaction = try database.begin(TransactionOptions(strategy: strategy))
        try need.attempt(transaction, record, read)
        #expect(throws: refusal, "\(need), \(strategy)") { try transaction.commit() }
      }
      // The only writer does not wait, because what it did would be of no use after that.
      #expect(throws: refusal, "\(need)") {
        try database.write { try need.attempt($0, record, read) }
      }
    }
    try database.transact { _ = try $0.insert(bytes("free"), into: record.segment) }
    #expect(try database.committed(record) == bytes("old"))
  }

  private func expectFree(_ database: Database, _ record: RecordID, _ read: RecordID) throws {
    for need in [Need.writeWhereItReads, .update, .delete, .dropOfSegment] {
      try database.transact { try need.attempt($0, record, read) }
    }
  }

  @Test(arguments: [false, true])
  func `what a prepared transaction needs is held until it is decided`(_ commits: Bool) throws {
    try withStore(adjust: { $0.lockWait = .zero }) { store in
      let (prepared, record, read) = try prepare(store.database)
      try expectHeld(store.database, record, read)
      if commits { try prepared.commit() } else { try prepared.rollback() }
      #expect(throws: TransactionError.ended) { try prepared.commit() }
      #expect(throws: TransactionError.ended) { try prepared.rollback() }
      #expect(try store.database.committed(record) == bytes(commits ? "held" : "old"))
      #expect(try store.database.read { try $0.hasIndex(named: "made") } == commits)
      try expectFree(store.database, record, read)
    }
  }

  @Test(arguments: [0, 1, 3])
  func `it is held over checkpoints and openings`(_ checkpoints: Int) throws {
    let store = try TestStore(adjust: { $0.lockWait = .zero })
    let (prepared, record, read) = try prepare(store.database)
    for _ in 0..<checkpoints { try store.database.checkpoint() }
    var disk = store.disk.crashed(.loseAll)
    for _ in 0..<2 {
      let database = try Database.open(on: disk, configuration: store.configuration)
      #expect(try database.inDoubtTransactions().map(\.number) == [prepared.number])
      try expectHeld(database, record, read)
      try database.close()
      disk = disk.reopened()
    }
    let database = try Database.open(on: disk, configuration: store.configuration)
    try database.decide(.commit, on: prepared.number)
    #expect(try database.committed(record) == bytes("held"))
    try expectFree(database, record, read)
    #expect(try database.check().isIntact)
    try database.close()
  }

  @Test(arguments: [false, true])
  func `a commit that waits goes on when the holder is decided`(_ commits: Bool) throws {
    try withStore(adjust: { $0.lockWait = .seconds(600) }) { store in
      let database = store.database
      let (prepared, record, _) = try prepare(database)
      let began = SharedList<Bool>()
      try runThreads(2) { thread in
        if thread == 0 {
          let waiting = try database.begin(TransactionOptions(strategy: .lastWriteWins))
          try waiting.update(record, to: bytes("waited"))
          began.append(true)
          return try waiting.commit()
        }
        while began.elements.isEmpty { try database.flush() }
        // Whether the other waits by now or not, it is not done before this.
        guard try database.committed(record) == bytes("old") else {
          throw TestFailure("the commit did not wait")
        }
        if commits { try prepared.commit() } else { try prepared.rollback() }
      }
      #expect(try database.committed(record) == bytes("waited"))
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `a commit that waits is refused when the disk fails`() throws {
    let store = try TestStore(adjust: { $0.lockWait = .seconds(600) })
    let database = store.database
    let (prepared, record, _) = try prepare(database)
    let disk = store.disk
    let began = SharedList<Bool>()
    try runThreads(2) { thread in
      guard thread == 0 else {
        while began.elements.isEmpty { try database.flush() }
        // The other waits by then: a commit that comes later would be refused at once.
        usleep(50_000)
        return try database.loseDisk(disk)
      }
      let waiting = try database.begin(TransactionOptions(strategy: .lastWriteWins))
      try waiting.update(record, to: bytes("waited"))
      began.append(true)
      do {
        try waiting.commit()
        throw TestFailure("the commit was not refused")
      } catch TransactionError.engine(.poisoned) {}
    }
    // Given up unused, it would be rolled back, which is refused as well.
    #expect(throws: TransactionError.self) { try prepared.rollback() }
  }

  @Test
  func `a commit that waited for what then changed is refused`() throws {
    try withStore(adjust: { $0.lockWait = .seconds(600) }) { store in
      let database = store.database
      let (prepared, record, _) = try prepare(database)
      let waiting = try database.begin()
      try waiting.update(record, to: bytes("waited"))
      try runThreads(2) { thread in
        if thread == 1 {
          usleep(50_000)
          return try prepared.commit()
        }
        do {
          try waiting.commit()
          throw TestFailure("the commit was not refused")
        } catch TransactionError.conflict {}
      }
      #expect(try database.committed(record) == bytes("held"))
    }
  }

  @Test
  func `a phantom cannot come into a range that a prepared transaction relies on`() throws {
    let store = try TestStore(adjust: { $0.lockWait = .zero })
    let index = try store.database.makeIndex(.replace)
    let transaction = try store.database.begin(TransactionOptions(strategy: .serializable))
    #expect(try transaction.entries(of: index, IndexBounds("b"..<"d")).isEmpty)
    let prepared = try transaction.prepare()
    func attempt(_ database: Database) throws {
      let inside = try database.begin(TransactionOptions(strategy: .lastWriteWins))
      try inside.put(1, forKey: "c", in: index)
      #expect(throws: TransactionError.lockTimeout(holder: [])) { try inside.commit() }
      try database.transact { try $0.put(1, forKey: "d", in: index) }
    }
    try attempt(store.database)
    let again = try Database.open(
      on: store.disk.crashed(.keepAll), configuration: store.configuration)
    try attempt(again)
    try again.decide(.rollback, on: prepared.number)
    try again.transact { try $0.put(1, forKey: "c", in: index) }
    try again.close()
    try prepared.rollback()
    try store.checkTwiceAndClose()
  }

  @Test
  func `a name that a prepared transaction relies on is neither given nor taken`() throws {
    let store = try TestStore(adjust: { $0.lockWait = .zero })
    let segment = try store.database.makeSegment()
    let transaction = try store.database.begin(TransactionOptions(strategy: .serializable))
    #expect(try transaction.segment(named: "absent") == nil)
    let prepared = try transaction.prepare()
    func attempt(_ database: Database) throws {
      let creating = try database.begin()
      _ = try creating.createSegment(named: "absent")
      #expect(throws: TransactionError.lockTimeout(holder: [])) { try creating.commit() }
      try database.transact { _ = try $0.insert([], into: segment) }
    }
    try attempt(store.database)
    let again = try Database.open(
      on: store.disk.crashed(.keepAll), configuration: store.configuration)
    try attempt(again)
    try again.decide(.commit, on: prepared.number)
    _ = try again.makeSegment("absent")
    try again.close()
    try prepared.rollback()
    try store.checkTwiceAndClose()
  }

  @Test
  func `a handle that is dropped rolls back, unless the database was closed`() throws {
    let store = try TestStore()
    let (prepared, record, _) = try prepare(store.database)
    #expect(try store.database.inDoubtTransactions().count == 1)
    var handle: PreparedTransaction? = prepared
    try store.database.close()
    handle = nil
    _ = handle
    let again = try Database.open(on: store.disk.reopened(), configuration: store.configuration)
    #expect(try again.inDoubtTransactions().map(\.number) == [prepared.number])
    try again.decide(.commit, on: prepared.number)
    #expect(try again.committed(record) == bytes("held"))
    try again.close()
  }

  @Test
  func `a number of a decided transaction never names a later one`() throws {
    let store = try TestStore()
    let segment = try store.database.makeSegment()
    var numbers: Set<UInt64> = []
    for round in 0..<12 {
      let transaction = try store.database.begin()
      _ = try transaction.insert([], into: segment)
      let prepared = try transaction.prepare()
      #expect(numbers.insert(prepared.number).inserted)
      if round % 2 == 0 { try prepared.commit() } else { try prepared.rollback() }
      #expect(throws: TransactionError.notInDoubt(number: prepared.number)) {
        try store.database.decide(.commit, on: prepared.number)
      }
      if round % 3 != 0 { try store.reopen() }
    }
    try store.checkTwiceAndClose()
  }
}
