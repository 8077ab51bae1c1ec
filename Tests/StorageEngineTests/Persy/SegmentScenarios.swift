// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import Synchronization
import TestSupport
import Testing

/// Section 4 of the scenarios of the Rust engine Persy: segments.
struct SegmentScenarios {
  @Test
  func `Persy 27: a segment exists from its creation to its drop`() throws {
    try withStore { store in
      let database = store.database
      func exists() throws -> Bool { try database.read { try $0.hasSegment(named: "records") } }
      #expect(try !exists())
      let segment = try database.transact { transaction in
        let segment = try transaction.createSegment(named: "records")
        #expect(try transaction.hasSegment(named: "records"))
        #expect(try !exists())
        return segment
      }
      #expect(try exists())
      try database.transact { transaction in
        try transaction.dropSegment(segment)
        #expect(try !transaction.hasSegment(named: "records"))
        #expect(try exists())
      }
      #expect(try !exists())
    }
  }

  @Test
  func `Persy 28: two segments of one transaction have their own records`() throws {
    try withStore { store in
      let (first, second) = try store.database.transact { transaction in
        let first = try transaction.createSegment(named: "first")
        let second = try transaction.createSegment(named: "second")
        _ = try transaction.insert(bytes("1"), into: first)
        _ = try transaction.insert(bytes("2"), into: second)
        #expect(try transaction.records(of: first).count == 1)
        return (first, second)
      }
      try store.database.read { (view) throws in
        #expect(Array(try view.records(of: first).values) == [bytes("1")])
        #expect(Array(try view.records(of: second).values) == [bytes("2")])
      }
    }
  }

  @Test
  func `Persy 29: a transaction cannot drop the segment that it has created`() throws {
    try withStore { store in
      try store.database.transact { transaction in
        let segment = try transaction.createSegment(named: "records")
        #expect(throws: SegmentError.createdInTransaction(segment)) {
          try transaction.dropSegment(segment)
        }
        _ = try transaction.insert([], into: segment)
      }
      #expect(try store.database.read { try $0.hasSegment(named: "records") })
    }
  }

  @Test
  func `Persy 30: a segment dropped and created anew in one transaction is empty`() throws {
    try withStore { store in
      let record = try store.database.makeRecord()
      let (segment, later) = try store.database.transact { transaction in
        try transaction.dropSegment(record.segment)
        let segment = try transaction.createSegment(named: "records")
        #expect(try transaction.records(of: segment).isEmpty)
        return (segment, try transaction.insert(bytes("new"), into: segment))
      }
      #expect(segment != record.segment)
      try store.reopen()
      try store.database.read { (view) throws in
        #expect(try view.segment(named: "records") == segment)
        #expect(try view.records(of: segment) == [later: bytes("new")])
        #expect(throws: SegmentError.self) { _ = try view.read(record) }
      }
    }
  }

  @Test(arguments: ConflictStrategy.allCases)
  func `Persy 31: of two creations of one name one fails`(_ strategy: ConflictStrategy) throws {
    try withStore { store in
      let options = TransactionOptions(strategy: strategy)
      let first = try store.database.begin(options)
      let second = try store.database.begin(options)
      let lost = try first.createSegment(named: "records")
      let won = try second.createSegment(named: "records")
      _ = try first.insert(bytes("lost"), into: lost)
      try second.commit()
      #expect(throws: TransactionError.nameTaken("records")) { _ = try first.prepare() }
      let third = try store.database.begin(options)
      #expect(throws: SegmentError.segmentExists("records")) {
        _ = try third.createSegment(named: "records")
      }
      #expect(try store.database.read { try $0.segments().map(\.segment) } == [won])
    }
  }

  @Test
  func `Persy 31: many threads create one name and one of them succeeds`() throws {
    try withStore { store in
      let database = store.database
      let created = SharedList<SegmentID>()
      try runThreads(6) { _ in
        do {
          created.append(try database.makeSegment())
        } catch TransactionError.nameTaken {
        } catch SegmentError.segmentExists {}
      }
      #expect(created.elements.count == 1)
    }
  }

  @Test
  func `Persy 32: whoever updates while a segment is dropped is told so`() throws {
    try withStore { store in
      let database = store.database
      let record = try database.makeRecord()
      let updates = Atomic<Int>(0)
      try runThreads(4) { thread in
        if thread == 0 {
          while updates.load(ordering: .relaxed) < 5 { try database.flush() }
          while true {
            do {
              return try database.transact { try $0.dropSegment(record.segment) }
            } catch let error as TransactionError where error.isRetryable {}
          }
        }
        while true {
          do {
            try database.transact(.lastWriteWins) { try $0.update(record, to: [UInt8(thread)]) }
            updates.add(1, ordering: .relaxed)
          } catch TransactionError.dropped("records") {
            return
          } catch SegmentError.segmentNotFound {
            return
          }
        }
      }
      #expect(try database.read { try $0.segments().isEmpty })
    }
  }

  @Test
  func `Persy 33: creation, drop and records of segments persist`() throws {
    try withStore { store in
      let record = try store.database.makeRecord()
      let other = try store.database.makeSegment("other")
      try store.reopen()
      try store.database.transact { try $0.dropSegment(other) }
      #expect(try store.database.committed(record) == bytes("old"))
      try store.database.checkpoint()
      try store.reopen()
      #expect(try store.database.read { try $0.segments().map(\.name) } == ["records"])
      let again = try store.database.makeSegment("other")
      #expect(again > other)
    }
  }

  @Test
  func `Persy 34: thousands of segments with names of all scripts are listed, and nothing else`()
    throws
  {
    try withStore { store in
      let names = (0..<2000).map { "Größe 尺寸 \($0) 🦊" } + ["é", "e\u{301}", "index/", "/"]
      try store.database.transact { transaction in
        for name in names { _ = try transaction.createSegment(named: name) }
        _ = try transaction.createTree(named: "tree")
        _ = try transaction.createIndex(
          named: "index", keys: String.self, values: String.self, mode: .replace)
      }
      let prepared = try store.database.begin().prepare()
      let found = try store.database.read { try $0.segments().map { bytes($0.name) } }
      #expect(found == names.map(bytes).sorted { $0.lexicographicallyPrecedes($1) })
      try store.reopen()
      #expect(try store.database.read { try $0.segments().count } == names.count)
      #expect(try store.database.read { try $0.indexes().map(\.name) } == ["index"])
      withExtendedLifetime(prepared) {}
    }
  }

  @Test
  func `Persy 35: a segment that is dropped gives its pages to the next one`() throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    try withStore { store in
      var bytes: [UInt64] = []
      for _ in 0..<6 {
        let segment = try store.database.makeSegment()
        for _ in 0..<10 {
          try store.database.transact { transaction in
            for _ in 0..<100 { _ = try transaction.insert(random.bytes(2000), into: segment) }
          }
        }
        try store.database.transact { try $0.dropSegment(segment) }
        for _ in 0..<3 { try store.database.checkpoint() }
        bytes.append(try store.database.information().fileBytes)
      }
      #expect(bytes[5] <= bytes[1] + 2 << 20, "\(bytes)")
    }
  }
}
