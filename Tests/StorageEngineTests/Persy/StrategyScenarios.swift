// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// Section 3 of the scenarios of the Rust engine Persy: conflict strategies.
///
/// Persy's default is that the last write wins; ours is `versionOnWrite`, because a lost update
/// should be asked for.
struct StrategyScenarios {
  private func begin(_ store: TestStore, _ strategy: ConflictStrategy) throws -> Transaction {
    try store.database.begin(TransactionOptions(strategy: strategy))
  }

  @Test
  func `Persy 22: where the last write wins, two updates both commit and the last one counts`()
    throws
  {
    try withStore { store in
      let record = try store.database.makeRecord()
      let first = try begin(store, .lastWriteWins)
      let second = try begin(store, .lastWriteWins)
      try first.update(record, to: bytes("first"))
      try second.update(record, to: bytes("second"))
      try second.commit()
      try first.commit()
      #expect(try store.database.committed(record) == bytes("first"))
    }
  }

  @Test
  func `Persy 23: with a version checked on writing, the second update fails`() throws {
    try withStore { store in
      let record = try store.database.makeRecord()
      let first = try store.database.begin()
      let second = try store.database.begin()
      try first.update(record, to: bytes("first"))
      try second.update(record, to: bytes("second"))
      try first.commit()
      #expect(throws: TransactionError.conflict(tree: "records")) { _ = try second.prepare() }
      #expect(try store.database.committed(record) == bytes("first"))
    }
  }

  @Test(arguments: ConflictStrategy.allCases)
  func `Persy 24: a record that was read and then changed fails where reads are checked`(
    _ strategy: ConflictStrategy
  ) throws {
    try withStore { store in
      let record = try store.database.makeRecord()
      let transaction = try begin(store, strategy)
      #expect(try transaction.read(record) == bytes("old"))
      try store.database.transact { try $0.update(record, to: bytes("new")) }
      _ = try transaction.insert(bytes("elsewhere"), into: record.segment)
      if strategy == .lastWriteWins || strategy == .versionOnWrite {
        try transaction.prepare().commit()
      } else {
        #expect(throws: TransactionError.conflict(tree: "records")) {
          _ = try transaction.prepare()
        }
      }
    }
  }

  /// Where the last write wins, an update of a record that another transaction deleted brings it
  /// back.
  ///
  /// The write is what counts, not what it was based on. Persy reports the record missing.
  @Test(arguments: ConflictStrategy.allCases, [false, true])
  func `Persy 25: a deletion meets an update`(
    _ strategy: ConflictStrategy, _ deletesFirst: Bool
  ) throws {
    try withStore { store in
      let record = try store.database.makeRecord()
      let deleting = try begin(store, strategy)
      let updating = try begin(store, strategy)
      try deleting.delete(record)
      try updating.update(record, to: bytes("new"))
      let (first, second) = deletesFirst ? (deleting, updating) : (updating, deleting)
      try first.commit()
      guard strategy == .lastWriteWins else {
        #expect(throws: TransactionError.conflict(tree: "records")) { try second.commit() }
        #expect(try store.database.committed(record) == (deletesFirst ? nil : bytes("new")))
        return
      }
      try second.commit()
      #expect(try store.database.committed(record) == (deletesFirst ? bytes("new") : nil))
    }
  }

  @Test(arguments: ConflictStrategy.allCases)
  func `Persy 25: a record for a segment that was dropped meanwhile is refused`(
    _ strategy: ConflictStrategy
  ) throws {
    try withStore { store in
      let segment = try store.database.makeSegment()
      let transaction = try begin(store, strategy)
      _ = try transaction.insert(bytes("new"), into: segment)
      try store.database.transact { try $0.dropSegment(segment) }
      #expect(throws: TransactionError.dropped("records")) { _ = try transaction.prepare() }
      let later = try begin(store, strategy)
      #expect(throws: SegmentError.segmentNotFound("number \(segment.rawValue)")) {
        _ = try later.insert([], into: segment)
      }
    }
  }

  @Test
  func `Persy 26: who waits too long for a prepared transaction gives up and holds nothing`()
    throws
  {
    try withStore(adjust: { $0.lockWait = .zero }) { store in
      let record = try store.database.makeRecord()
      let holder = try store.database.begin(TransactionOptions(identifier: bytes("holder")))
      try holder.update(record, to: bytes("held"))
      let prepared = try holder.prepare()
      let waiting = try store.database.begin()
      let other = try waiting.insert(bytes("other"), into: record.segment)
      try waiting.update(record, to: bytes("waits"))
      #expect(throws: TransactionError.lockTimeout(holder: bytes("holder"))) {
        try waiting.commit()
      }
      // Nothing of it is left, neither its changes nor what it would have held.
      #expect(try store.database.committed(other) == nil)
      try store.database.transact { _ = try $0.insert([], into: record.segment) }
      try prepared.commit()
      try store.database.transact { try $0.update(record, to: bytes("after")) }
      #expect(try store.database.committed(record) == bytes("after"))
    }
  }
}
