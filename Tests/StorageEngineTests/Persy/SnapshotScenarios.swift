// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// Section 7 of the scenarios of the Rust engine Persy: snapshots.
struct SnapshotScenarios {
  /// A record, and an entry of an index.
  private func fill(_ database: Database) throws -> (RecordID, Index<String, UInt64>) {
    let record = try database.makeRecord()
    let index = try database.makeIndex(.cluster)
    try database.transact { try $0.put(7, forKey: "key", in: index) }
    return (record, index)
  }

  private func drop(_ database: Database, _ record: RecordID) throws {
    try database.transact { transaction in
      try transaction.dropSegment(record.segment)
      try transaction.dropIndex(named: "index")
    }
    let other = try database.makeSegment("other")
    for _ in 0..<5 {
      try database.transact {
        _ = try $0.insert([UInt8](repeating: 1, count: 100_000), into: other)
      }
      try database.checkpoint()
    }
  }

  private func verify(
    _ view: Snapshot, _ record: RecordID, _ index: Index<String, UInt64>
  ) throws {
    #expect(try view.read(record) == bytes("old"))
    #expect(try view.records(of: record.segment) == [record: bytes("old")])
    #expect(try view.values(forKey: "key", in: index) == [7])
    #expect(try view.first(forKey: "key", in: index) == 7)
    #expect(try view.entries(of: index).map(\.key) == ["key"])
    #expect(try view.segment(named: "records") == record.segment)
    #expect(try view.indexes().map(\.name) == ["index"])
  }

  @Test
  func `Persy 53: what is dropped after a snapshot is read through it`() throws {
    try withStore { store in
      let (record, index) = try fill(store.database)
      let view = try store.database.snapshot()
      try drop(store.database, record)
      try verify(view, record, index)
      view.close()
    }
  }

  @Test(arguments: [false, true])
  func `Persy 54: two snapshots over a drop are given up in either order`(
    _ firstGoesFirst: Bool
  ) throws {
    try withStore { store in
      let (record, index) = try fill(store.database)
      let first = try store.database.snapshot()
      let second = try store.database.snapshot()
      try drop(store.database, record)
      try verify(first, record, index)
      (firstGoesFirst ? first : second).close()
      try store.database.checkpoint()
      let left = firstGoesFirst ? second : first
      try verify(left, record, index)
      left.close()
    }
  }

  /// A snapshot is an object: what Persy calls a clone is a second reference to it.
  @Test
  func `Persy 55: a snapshot keeps its state as long as anyone refers to it, and no longer`()
    throws
  {
    var random = SplitMix64(seed: TestEnvironment.seed)
    try withStore { store in
      let record = try store.database.makeRecord()
      var views: [Snapshot] = [try store.database.snapshot()]
      views.append(views[0])
      views.removeFirst()
      for _ in 0..<40 {
        let content = random.bytes(100_000)
        try store.database.transact { try $0.update(record, to: content) }
        try store.database.checkpoint()
      }
      #expect(try views[0].read(record) == bytes("old"))
      #expect(try store.database.information().oldestSnapshotLSN == views[0].lsn)
      views.removeAll()
      #expect(try store.database.information().oldestSnapshotLSN == nil)
      let size = try store.database.information().fileBytes
      for _ in 0..<40 {
        let content = random.bytes(100_000)
        try store.database.transact { try $0.update(record, to: content) }
        try store.database.checkpoint()
      }
      #expect(try store.database.information().fileBytes == size)
    }
  }

  /// Persy numbers snapshots with counters that wrap around; ours are named by the 64-bit number of
  /// the last commit they show, which does not.
  @Test
  func `Persy 56: each of many snapshots finds its version`() throws {
    try withStore { store in
      let record = try store.database.makeRecord("0")
      var views: [(view: Snapshot, text: String)] = []
      for round in 1...60 {
        views.append((try store.database.snapshot(), "\(round - 1)"))
        try store.database.transact { try $0.update(record, to: bytes("\(round)")) }
        if round % 7 == 0 { views.remove(at: round / 3).view.close() }
      }
      for (view, text) in views { #expect(try view.read(record) == bytes(text)) }
      #expect(views.map(\.view.lsn) == views.map(\.view.lsn).sorted())
      for (view, _) in views { view.close() }
    }
  }

  @Test
  func
    `Persy 57: a snapshot that stays open costs one version, is visible, and ends with the store`()
    throws
  {
    var random = SplitMix64(seed: TestEnvironment.seed)
    try withStore { store in
      let segment = try store.database.makeSegment()
      let records = try store.database.transact { transaction in
        try (0..<200).map { _ in try transaction.insert(random.bytes(1500), into: segment) }
      }
      let leaked = try store.database.snapshot()
      var sizes: [UInt64] = []
      for _ in 0..<30 {
        try store.database.transact { transaction in
          for record in records { try transaction.update(record, to: random.bytes(1500)) }
        }
        try store.database.checkpoint()
        sizes.append(try store.database.information().fileBytes)
      }
      #expect(sizes[29] <= sizes[9], "\(sizes)")
      #expect(try store.database.information().oldestSnapshotLSN == leaked.lsn)
      let before = store.disk.calls
      try store.reopen()
      // Closing, opening, and a look for the end of the log: nothing that grows with the rounds.
      #expect(store.disk.calls - before < 1200)
      #expect(throws: SegmentError.engine(.closed)) { _ = try leaked.read(records[0]) }
    }
  }
}
