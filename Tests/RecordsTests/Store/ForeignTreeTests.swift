// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import Records
import StorageEngine
import TestSupport
import Testing

/// Trees, segments and indexes that a user of the engine keeps in the file beside the records.
struct ForeignTreeTests {
  @Test
  func `a check names foreign trees and does not take them for damage`() throws {
    try withTemporaryDirectory { directory in
      let store = try RecordStore.create(at: directory + "/a.store")
      try addRecord(to: store)
      #expect(try store.check().foreignTrees.isEmpty)
      _ = try addForeignTrees(to: store)
      let report = try store.check()
      #expect(report.isIntact, "\(report.faults)")
      #expect(report.foreignTrees == ["index/prices", "raw", "segment/blobs"])
      try store.close()
    }
  }

  @Test
  func `a snapshot leaves foreign trees out and says so, and what is restored from it is whole`()
    throws
  {
    try withTemporaryDirectory { directory in
      let store = try RecordStore.create(at: directory + "/a.store")
      try addRecord(to: store)
      _ = try addForeignTrees(to: store)
      var bytes: [UInt8] = []
      let summary = try store.writeSnapshot(to: { bytes += $0 })
      #expect(summary.leftOut == ["index/prices", "raw", "segment/blobs"])
      #expect(summary.records == 1)
      try store.close()

      func read() -> (Int) throws -> [UInt8] {
        var rest = bytes[...]
        return { count in
          defer { rest = rest.dropFirst(count) }
          return Array(rest.prefix(count))
        }
      }
      #expect(try RecordStore.verifySnapshot(named: "a", read()).leftOut.isEmpty)
      let path = directory + "/b.store"
      _ = try RecordStore.restore(at: path, fromSnapshot: "a", read())
      let restored = try RecordStore.open(at: path)
      #expect(try restored.read { try $0.get("ports", .text("DEHAM")) } != nil)
      #expect(try restored.database.snapshot().trees().allSatisfy { $0.name != "raw" })
      #expect(try restored.check().isIntact)
      try restored.close()
    }
  }

  @Test
  func `salvage copies foreign trees, and record identifiers stay good`() throws {
    try withTemporaryDirectory { directory in
      let store = try RecordStore.create(at: directory + "/a.store")
      try addRecord(to: store)
      let record = try addForeignTrees(to: store)
      try store.close()
      let salvage = try RecordStore.salvage(
        from: directory + "/a.store", into: directory + "/b.store")
      #expect(salvage.isComplete && salvage.records == .copied)
      let copy = try RecordStore.open(at: directory + "/b.store")
      let view = try copy.database.snapshot()
      #expect(try view.read(record) == [1, 2, 3])
      let check = try copy.check()
      #expect(check.isIntact && check.foreignTrees.count == 3)
      view.close()
      try copy.close()
    }
  }

  @Test
  func `a tree of records whose name no collection has is damage`() throws {
    try withTemporaryDirectory { directory in
      let store = try RecordStore.create(at: directory + "/a.store")
      try store.database.write { _ = try $0.createTree(named: "records/") }
      #expect(try store.check().contentFault?.contains("records/") == true)
      try store.close()
    }
  }

  private func addRecord(to store: RecordStore) throws {
    _ = try store.write { transaction in
      try transaction.put("ports", .text("DEHAM"), [StoredRecord.Field("name", .text("Hamburg"))])
    }
  }

  private func addForeignTrees(to store: RecordStore) throws -> RecordID {
    try store.database.write { transaction in
      let raw = try transaction.createTree(named: "raw")
      try transaction.put([1], forKey: [2], in: raw)
      let prices = try transaction.createIndex(
        named: "prices", keys: String.self, values: Int.self, mode: .cluster)
      try transaction.put(3, forKey: "a", in: prices)
      let blobs = try transaction.createSegment(named: "blobs")
      return try transaction.insert([1, 2, 3], into: blobs)
    }
  }
}
