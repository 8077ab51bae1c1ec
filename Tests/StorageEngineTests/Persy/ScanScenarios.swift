// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// Section 5 of the scenarios of the Rust engine Persy: scans.
struct ScanScenarios {
  /// A segment of ten records.
  private func fill(_ database: Database) throws -> [RecordID] {
    let segment = try database.makeSegment()
    return try database.transact { transaction in
      try (0..<10).map { try transaction.insert(bytes("\($0)"), into: segment) }
    }
  }

  @Test
  func `Persy 36: a scan shows what is committed, in a transaction with its own changes`() throws {
    try withStore { store in
      let records = try fill(store.database)
      let segment = records[0].segment
      var expected = try store.database.read { try $0.records(of: segment) }
      #expect(expected.count == 10)
      let transaction = try store.database.begin()
      try transaction.update(records[3], to: bytes("updated"))
      try transaction.delete(records[9])
      let inserted = try transaction.insert(bytes("inserted"), into: segment)
      #expect(try store.database.read { try $0.records(of: segment) } == expected)
      expected[records[3]] = bytes("updated")
      expected[records[9]] = nil
      expected[inserted] = bytes("inserted")
      #expect(try transaction.records(of: segment) == expected)
      #expect(try transaction.count(of: segment) == 10)
      let backward = try transaction.scan(segment, reversed: true)
      var order: [RecordID] = []
      while let record = try backward.next() { order.append(record.id) }
      #expect(order == expected.keys.sorted().reversed())
      try transaction.commit()
      #expect(try store.database.read { try $0.records(of: segment) } == expected)
    }
  }

  @Test
  func `Persy 37: a scan shows one state while others insert and delete`() throws {
    try withStore { store in
      let records = try fill(store.database)
      let segment = records[0].segment
      let view = try store.database.snapshot()
      let transaction = try store.database.begin()
      let scans = [try view.scan(segment), try transaction.scan(segment)]
      var seen = scans.map { _ in [RecordID]() }
      for round in 0..<10 {
        for (index, scan) in scans.enumerated() {
          if let record = try scan.next() {
            seen[index].append(record.id)
            #expect(record.bytes == bytes("\(round)"))
          }
        }
        try store.database.transact { writer in
          try writer.delete(records[9 - round])
          for _ in 0..<50 { _ = try writer.insert(bytes("new"), into: segment) }
        }
        try store.database.checkpoint()
      }
      #expect(seen == [records, records])
      #expect(try scans[0].next() == nil && scans[1].next() == nil)
    }
  }

  @Test
  func `Persy 38: a transaction deletes what its scan shows`() throws {
    try withStore { store in
      let records = try fill(store.database)
      let segment = records[0].segment
      let seen = try store.database.transact { transaction in
        let scan = try transaction.scan(segment)
        var seen = 0
        while let record = try scan.next() {
          try transaction.delete(record.id)
          seen += 1
        }
        return seen
      }
      #expect(seen == 10)
      #expect(try store.database.read { try $0.count(of: segment) } == 0)
    }
  }

  @Test
  func `Persy 38: a scan goes on showing large records that its transaction deletes`() throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    try withStore { store in
      let segment = try store.database.makeSegment()
      let free = try store.database.information()
      let large = (0..<4).map { _ in random.bytes(300_000) }
      let transaction = try store.database.begin()
      let records = try large.map { try transaction.insert($0, into: segment) }
      let scan = try transaction.scan(segment)
      for record in records {
        try transaction.delete(record)
        // Would take the place of what was deleted.
        _ = try transaction.insert(random.bytes(300_000), into: segment)
      }
      for content in large { #expect(try scan.next()?.bytes == content) }
      #expect(try scan.next() == nil)
      transaction.rollback()
      #expect(throws: SegmentError.engine(.closed)) { _ = try scan.next() }
      let after = try store.database.information()
      let grown = after.fileBytes - free.fileBytes
      #expect(after.freeBytes == free.freeBytes + grown)
    }
  }
}
