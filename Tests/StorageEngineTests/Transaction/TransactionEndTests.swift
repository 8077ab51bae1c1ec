// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// What is left of a transaction, and of its cursors, when it or the database has ended.
struct TransactionEndTests {
  enum End: CaseIterable { case commit, commitOfNothing, prepare, rollback, refusal }

  @Test(arguments: End.allCases)
  func `cursors of a transaction end with it`(_ end: End) throws {
    try withStore { store in
      let record = try store.database.makeRecord()
      let transaction = try store.database.begin()
      let scan = try transaction.scan(record.segment)
      let work = try transaction.withWork { $0 }
      if end != .commitOfNothing { try transaction.update(record, to: bytes("new")) }
      switch end {
      case .commit, .commitOfNothing: try transaction.commit()
      case .prepare: try transaction.prepare().rollback()
      case .rollback: transaction.rollback()
      case .refusal:
        try store.database.transact { try $0.update(record, to: bytes("other")) }
        #expect(throws: TransactionError.self) { try transaction.commit() }
      }
      #expect(throws: SegmentError.engine(.closed)) { _ = try scan.next() }
      #expect(throws: SegmentError.engine(.closed)) { _ = try work.read(record) }
      #expect(throws: SegmentError.engine(.closed)) { _ = try transaction.read(record) }
      #expect(throws: SegmentError.engine(.closed)) { try transaction.delete(record) }
      #expect(throws: TransactionError.ended) { try transaction.commit() }
      #expect(throws: TransactionError.ended) { _ = try transaction.prepare() }
      #expect(try store.database.information().oldestSnapshotLSN == nil)
    }
  }

  @Test
  func `a transaction left open refuses when the database was closed`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    let record = try store.database.makeRecord()
    let transaction = try store.database.begin()
    let scan = try transaction.scan(record.segment)
    try transaction.update(record, to: [UInt8](repeating: 1, count: 200_000))
    try store.database.close()
    #expect(throws: SegmentError.engine(.closed)) { _ = try transaction.read(record) }
    #expect(throws: SegmentError.engine(.closed)) { _ = try scan.next() }
    #expect(throws: SegmentError.engine(.closed)) { try transaction.delete(record) }
    #expect(throws: TransactionError.engine(.closed)) { try transaction.commit() }
    transaction.rollback()
    #expect(throws: TransactionError.engine(.closed)) { _ = try store.database.begin() }
    #expect(disk.violations.isEmpty)
  }

  @Test
  func `a transaction of another's failure goes on`() throws {
    try withStore { store in
      let record = try store.database.makeRecord()
      let transaction = try store.database.begin()
      let doomed = try store.database.begin()
      try doomed.update(record, to: [UInt8](repeating: 1, count: 300_000))
      doomed.rollback()
      try transaction.update(record, to: [UInt8](repeating: 2, count: 300_000))
      try transaction.commit()
      #expect(try store.database.committed(record) == [UInt8](repeating: 2, count: 300_000))
    }
  }

  @Test
  func `what each of many tasks was told is committed is shown and durable`() async throws {
    let store = try TestStore()
    let database = store.database
    let segment = try database.makeSegment()
    store.disk.setFlushDelay(microseconds: 300)
    try await withThrowingTaskGroup(of: RecordID.self) { group in
      for number in 0..<200 {
        group.addTask {
          let transaction = try database.begin()
          let record = try transaction.insert(bytes("\(number)"), into: segment)
          try await transaction.commit()
          // What is acknowledged is shown, and durable.
          guard try database.committed(record) == bytes("\(number)") else {
            throw TestFailure("record \(number) is acknowledged and not shown")
          }
          return record
        }
      }
      var records: Set<RecordID> = []
      for try await record in group { records.insert(record) }
      #expect(records.count == 200)
    }
    store.disk.setFlushDelay(microseconds: 0)
    let cut = try TestStore(opening: store.disk.crashed(.loseAll))
    #expect(try cut.database.read { try $0.count(of: segment) } == 200)
    try cut.checkTwiceAndClose()
    try store.checkTwiceAndClose()
  }

  @Test
  func `a task that commits on a failed disk is told`() async throws {
    let store = try TestStore()
    let record = try store.database.makeRecord()
    let transaction = try store.database.begin()
    try transaction.update(record, to: bytes("lost"))
    store.disk.stop(atMutation: store.disk.mutations)
    do {
      try await transaction.commit()
      Issue.record("the commit was acknowledged")
    } catch {
      #expect(!error.isRetryable)
    }
    #expect(try store.database.committed(record) == bytes("old"))
  }
}
