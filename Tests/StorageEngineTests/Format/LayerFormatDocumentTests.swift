// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// The parts of docs/FORMAT.md about segments, indexes and prepared transactions must agree with
/// the code.
struct LayerFormatDocumentTests {
  private let document: FormatDocument

  init() throws {
    document = try FormatDocument()
  }

  @Test
  func `the prefixes of names are those of the table`() throws {
    let names = try document.tables(in: "Names of trees")[0].map { $0[0] }
    let prefixes = [
      StoredName.segmentPrefix, StoredName.indexPrefix, StoredName.preparedPrefix,
    ]
    for prefix in prefixes {
      #expect(names.contains("`\(prefix)`"))
      #expect(StoredName.isReserved(prefix + "x"))
    }
    #expect(PreparedTree.name(0xAB) == "engine/prepared/00000000000000ab")
  }

  @Test
  func `records and their bound are kept as described`() throws {
    #expect(SegmentTree.key(0x0102) == [0, 0, 0, 0, 0, 0, 1, 2])
    #expect(SegmentTree.boundKey == [0])
    let record = RecordID(segment: SegmentID(rawValue: 33), number: 1025)
    #expect(record.description == "0000011" + "0000000000101")
    #expect(try document.words(of: "Segments").contains("`0123456789abcdefghjkmnpqrstvwxyz`"))
  }

  @Test
  func `types and modes have the codes of the table`() throws {
    let rows = try document.tables(in: "Indexes")[0]
    #expect(rows.count == IndexType.codes.count + 1)
    for (type, code) in IndexType.codes {
      let row = try #require(rows.first { $0[0] == "\(code)" })
      #expect(row[1] == type.description)
      #expect(type.encoded == [code])
    }
    #expect(rows.last?[0] == "\(IndexType.tupleCode)")
    #expect(
      IndexTree.header(.cluster, .tuple([.string, .int8]), .bool) == [1, 2, 32, 2, 12, 5, 17])
    let words = try document.words(of: "Indexes")
    #expect(words.contains("u8 version 1, u8 mode (1 exclusive, 2 cluster, 3 replace)"))
    #expect(IndexMode.allCases.map(\.rawValue) == [1, 2, 3])
    #expect(IndexTree.prefix("a\0b") == [1, 0x61, 0, 255, 0x62, 0, 1])
  }

  @Test
  func `elements have the bytes of the table`() {
    func bytes(_ element: some IndexElement) -> [UInt8] {
      var bytes: [UInt8] = []
      element.encode(into: &bytes)
      return bytes
    }
    #expect(bytes(UInt16(0x0102)) == [1, 2])
    #expect(bytes(Int16(-1)) == [0x7F, 0xFF])
    #expect(bytes(1.0) == [0xBF, 0xF0, 0, 0, 0, 0, 0, 0])
    #expect(bytes(-1.0) == [0x40, 0x0F, 255, 255, 255, 255, 255, 255])
    #expect(bytes(true) == [1])
    #expect(bytes(IndexTuple(UInt8(7), "x")) == [7, 0x78, 0, 1])
    #expect(
      bytes(RecordID(segment: SegmentID(rawValue: 1), number: 2))
        == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2])
  }

  @Test
  func `entries of prepared transactions have the kinds of the table`() throws {
    let kinds = try document.tables(in: "Prepared transactions")[0].map { $0[0] }
    #expect(kinds == (1...9).map { "\($0)" })
    #expect(PreparedTree.Kind.undoAbsent.rawValue == 9)
    #expect(PreparedTree.entry(.put, 3, [9], [8, 7]) == [3, 3, 0, 0, 0, 1, 0, 9, 8, 7])
    let range = ReadSet.Range(tree: 2, keys: KeyRange(from: [5], upTo: [6]))
    #expect(PreparedTree.entry(range) == [7, 2, 0, 0, 0, 1, 0, 5, 1, 1, 6])
    let work = PreparedWork(
      number: 1, identifier: [0x69], preparedAt: 2, state: .committed, tree: TreeID(rawValue: 1))
    #expect(PreparedTree.header(work, flags: 3) == [0, 1, 1, 3, 2, 0, 0, 0, 0, 0, 0, 0, 0x69])
  }

  @Test
  func `a transaction with blocks of changes is written as described`() throws {
    let words = try document.words(of: "Transactions in the log")
    #expect(words.contains("kind 2"))
    let value = DirectValue(
      length: 9, runs: [PageRun(first: 4, count: 1, checksum: 5)], list: nil)
    let set = SpilledSet(blocks: [SpilledBlock(value: value, tree: 3, key: [6])])
    let buffer = LogBuffer()
    let none: [KeyChange] = []
    buffer.append(lsn: 1, trees: [], spilled: [set], changes: none)
    let bytes = buffer.bytes.array
    #expect(bytes[4] == LogRecord.kindSpilledCommit)
    let head: [UInt8] = [1, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 1, 0, 32, 0, 6]
    #expect(Array(bytes[LogRecord.headerBytes...]) == head + value.encoded)
  }
}
