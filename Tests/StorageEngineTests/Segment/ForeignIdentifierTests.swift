// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// Identifiers that come from a text, or from elsewhere, may name a tree that is no segment.
struct ForeignIdentifierTests {
  /// A key that a record of that number would have.
  private static let number: UInt64 = 0x0161_6263_6465_6667

  @Test
  func `an identifier that names a tree of another kind is refused, whatever lies there`() throws {
    try withStore { store in
      let others = try store.database.write { transaction in
        let raw = try transaction.createTree(named: "raw")
        let key = (0..<8).map { UInt8(truncatingIfNeeded: Self.number >> UInt64(56 - 8 * $0)) }
        try transaction.put([9], forKey: key, in: raw)
        let index = try transaction.createIndex(
          named: "names", keys: String.self, values: Int.self, mode: .replace)
        try transaction.put(4, forKey: "abcdefg", in: index)
        let names = try #require(try transaction.trees().first { $0.name == "index/names" })
        return [raw, names.tree]
      }
      for tree in others {
        let text = RecordID(
          segment: SegmentID(rawValue: tree.rawValue), number: Self.number
        ).description
        let record = try #require(RecordID(text))
        try refuse(record, store.database)
      }
      // The snapshots' own tree, too.
      try store.database.createSnapshot(named: "kept")
      let last = try store.database.write { try $0.createTree(named: "last") }
      let hidden = SegmentID(rawValue: last.rawValue - 1)
      try refuse(RecordID(segment: hidden, number: 1), store.database)
      #expect(try store.database.snapshot().trees().map(\.name) == ["index/names", "last", "raw"])
    }
  }

  private func refuse(_ record: RecordID, _ database: Database) throws {
    let error = SegmentError.segmentNotFound("number \(record.segment.rawValue)")
    let view = try database.snapshot()
    defer { view.close() }
    try refuse(record, view, error)
    try database.write { transaction in
      try refuse(record, transaction, error)
      try refuseChanges(record, transaction, error)
    }
    let beside = try database.begin()
    try refuse(record, beside, error)
    try refuseChanges(record, beside, error)
    beside.rollback()
  }

  private func refuse(
    _ record: RecordID, _ view: some TreeReader, _ error: SegmentError
  ) throws {
    #expect(throws: error) { _ = try view.read(record) }
    #expect(throws: error) { _ = try view.count(of: record.segment) }
    #expect(throws: error) { _ = try view.scan(record.segment) }
    #expect(try !view.hasSegment(record.segment))
  }

  private func refuseChanges(
    _ record: RecordID, _ view: some TreeWriting, _ error: SegmentError
  ) throws {
    #expect(throws: error) { _ = try view.insert([1], into: record.segment) }
    #expect(throws: error) { try view.update(record, to: [1]) }
    #expect(throws: error) { try view.delete(record) }
    #expect(throws: error) { try view.dropSegment(record.segment) }
  }
}
