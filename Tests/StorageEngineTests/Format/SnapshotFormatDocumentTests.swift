// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// The part of docs/FORMAT.md on named snapshots must agree with the code.
struct SnapshotFormatDocumentTests {
  @Test
  func `an entry is written as in its table`() throws {
    let document = try FormatDocument()
    var tree = TreeDescriptor(id: 7)
    tree.root = PageReference(number: 8, checksum: 9)
    tree.height = 1
    var set = TreeSet()
    set.add(tree, named: "name")
    let state = NamedState(name: TreeName("a"), lsn: 10, createdAt: 11, trees: set)
    let bytes = SnapshotEntry.encode(state)
    FormatDocument.compare(
      try document.fields("Named snapshots"), with: bytes,
      [
        ("version: \(SnapshotEntry.version)", .number(UInt64(SnapshotEntry.version))),
        ("zero", .number(0)), ("LSN", .number(10)), ("when it was made", .number(11)),
      ])
    let catalog = try #require(Catalog.encode(set, limit: 4032).first)
    #expect(Array(bytes[SnapshotEntry.headerBytes...]) == catalog)
    let words = try document.words(of: "Named snapshots")
    #expect(words.contains("tree `\(StoredName.snapshots)`"))
    #expect(words.contains("1 to \(SnapshotEntry.maximumNameBytes) bytes of UTF-8"))
    let read = try #require(SnapshotEntry.decode(bytes, name: Array("a".utf8)))
    #expect(read.lsn == 10)
    #expect(read.createdAt == 11)
    #expect(read.trees.trees == [tree])
    #expect(SnapshotEntry.decode(Array(bytes.dropLast()), name: [97]) == nil)
    #expect(SnapshotEntry.decode([2] + bytes.dropFirst(), name: [97]) == nil)
  }
}
