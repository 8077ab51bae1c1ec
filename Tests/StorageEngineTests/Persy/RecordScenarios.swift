// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// Section 2 of the scenarios of the Rust engine Persy: records.
struct RecordScenarios {
  @Test
  func `Persy 11: a record is read in its transaction, and by its id after the commit`() throws {
    try withStore { store in
      let segment = try store.database.makeSegment()
      let transaction = try store.database.begin()
      let record = try transaction.insert(bytes("new"), into: segment)
      #expect(try transaction.read(record) == bytes("new"))
      try transaction.commit()
      #expect(try store.database.committed(record) == bytes("new"))
      try store.reopen()
      #expect(try store.database.committed(record) == bytes("new"))
    }
  }

  @Test
  func `Persy 12: a transaction sees its new value, outside the old one is seen until the commit`()
    throws
  {
    try withStore { store in
      let record = try store.database.makeRecord("old")
      let transaction = try store.database.begin()
      try transaction.update(record, to: bytes("new"))
      #expect(try transaction.read(record) == bytes("new"))
      #expect(try store.database.committed(record) == bytes("old"))
      #expect(try store.database.begin().read(record) == bytes("old"))
      try transaction.commit()
      #expect(try store.database.committed(record) == bytes("new"))
    }
  }

  @Test
  func `Persy 13: an inserted id leads to nothing outside before the commit`() throws {
    try withStore { store in
      let segment = try store.database.makeSegment()
      let transaction = try store.database.begin()
      let record = try transaction.insert(bytes("new"), into: segment)
      #expect(try store.database.committed(record) == nil)
      #expect(try store.database.begin().read(record) == nil)
      try transaction.commit()
    }
  }

  @Test
  func `Persy 14: an insert and its deletion in one transaction leave nothing`() throws {
    try withStore { store in
      let segment = try store.database.makeSegment()
      let record = try store.database.transact { transaction in
        let record = try transaction.insert(bytes("new"), into: segment)
        try transaction.delete(record)
        #expect(try transaction.read(record) == nil)
        return record
      }
      try store.database.read { (view) throws in
        #expect(try view.read(record) == nil)
        #expect(try view.count(of: segment) == 0)
        #expect(try view.records(of: segment).isEmpty)
      }
    }
  }

  @Test
  func `Persy 15: of two updates in one transaction the last counts`() throws {
    try withStore { store in
      let record = try store.database.makeRecord()
      try store.database.transact { transaction in
        try transaction.update(record, to: bytes("first"))
        try transaction.update(record, to: bytes("second"))
      }
      #expect(try store.database.committed(record) == bytes("second"))
    }
  }

  @Test
  func `Persy 16: a deleted record reads as none, and cannot be updated or deleted`() throws {
    try withStore { store in
      let record = try store.database.makeRecord()
      try store.database.transact { transaction in
        try transaction.delete(record)
        #expect(try transaction.read(record) == nil)
        #expect(throws: SegmentError.recordNotFound(record)) { try transaction.delete(record) }
        #expect(throws: SegmentError.recordNotFound(record)) {
          try transaction.update(record, to: [])
        }
      }
      let later = try store.database.begin()
      #expect(throws: SegmentError.recordNotFound(record)) { try later.update(record, to: []) }
      let never = RecordID(segment: record.segment, number: 1 << 40)
      #expect(throws: SegmentError.recordNotFound(never)) { try later.delete(never) }
      let none = RecordID(segment: record.segment, number: 0)
      #expect(throws: SegmentError.recordNotFound(none)) { try later.delete(none) }
      #expect(try later.read(none) == nil)
    }
  }

  @Test
  func `Persy 17: after a rollback the record is not there`() throws {
    try withStore { store in
      let segment = try store.database.makeSegment()
      let transaction = try store.database.begin()
      let record = try transaction.insert(bytes("new"), into: segment)
      transaction.rollback()
      transaction.rollback()
      #expect(throws: SegmentError.engine(.closed)) { _ = try transaction.read(record) }
      #expect(throws: TransactionError.ended) { try transaction.commit() }
      #expect(try store.database.committed(record) == nil)
    }
  }

  @Test(arguments: [false, true])
  func `Persy 18: a transaction that is dropped is rolled back, a prepared one too`(
    _ isPrepared: Bool
  ) throws {
    try withStore { store in
      let record = try store.database.makeRecord()
      func leave() throws {
        let transaction = try store.database.begin()
        try transaction.update(record, to: bytes("new"))
        if isPrepared { _ = try transaction.prepare() }
      }
      try leave()
      #expect(try store.database.committed(record) == bytes("old"))
      #expect(try store.database.inDoubtTransactions().isEmpty)
      try store.database.transact { try $0.update(record, to: bytes("later")) }
      #expect(try store.database.committed(record) == bytes("later"))
    }
  }

  @Test
  func `Persy 19: an id leads to no record of another segment`() throws {
    try withStore { store in
      let record = try store.database.makeRecord()
      let other = try store.database.makeSegment("other")
      try store.database.read { (view) throws in
        #expect(try view.read(RecordID(segment: other, number: record.number)) == nil)
        let nowhere = RecordID(segment: SegmentID(rawValue: 99), number: record.number)
        #expect(throws: SegmentError.segmentNotFound("number 99")) { _ = try view.read(nowhere) }
      }
    }
  }

  @Test(arguments: [4096, 8192])
  func `Persy 20: records of every awkward size come back as they were`(_ pageBytes: Int) throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    var sizes = [0, 1, 10_000_000]
    for power in 5...17 {
      for difference in [-40, -33, -32, -9, -8, -1, 0, 1] { sizes.append(1 << power + difference) }
    }
    try withStore(pageBytes: pageBytes) { store in
      let segment = try store.database.makeSegment()
      var expected: [RecordID: [UInt8]] = [:]
      try store.database.transact { transaction in
        for size in sizes where size >= 0 {
          let content = random.bytes(size)
          expected[try transaction.insert(content, into: segment)] = content
        }
      }
      #expect(try store.database.read { try $0.records(of: segment) } == expected)
      try store.reopen()
      for (record, content) in expected {
        #expect(try store.database.committed(record) == content)
      }
    }
  }

  @Test
  func `Persy 21: a record over the limit is refused and the transaction goes on`() throws {
    try withStore { store in
      let segment = try store.database.makeSegment()
      let limit = 1 << 30
      let long = [UInt8](repeating: 0, count: limit + 1)
      try store.database.transact { transaction in
        let record = try transaction.insert(bytes("before"), into: segment)
        let refusal = SegmentError.recordTooLong(length: limit + 1, limit: limit)
        #expect(throws: refusal) { _ = try transaction.insert(long, into: segment) }
        #expect(throws: refusal) { try transaction.update(record, to: long) }
        _ = try transaction.insert(bytes("after"), into: segment)
      }
      let found = try store.database.read { try $0.records(of: segment) }
      #expect(Set(found.values) == [bytes("before"), bytes("after")])
    }
  }
}
