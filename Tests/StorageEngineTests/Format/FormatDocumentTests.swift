// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// docs/FORMAT.md is the only description of the store file: its tables and the code must agree.
struct FormatDocumentTests {
  private let document: FormatDocument

  init() throws {
    document = try FormatDocument()
  }

  @Test
  func `the file is laid out as the document says`() throws {
    let rows = try document.tables(in: "Layout")[0]
    let last = PageGeometry.prologueBytes - 1
    #expect(rows.map { $0[0] }.dropLast() == ["0–\(Superblock.bytes - 1)", "4096–\(last)"])
    #expect(rows[2][0] == "\(PageGeometry.prologueBytes) + *e* × \(PageGeometry.extentBytes)")
    let words = try document.words(of: "Layout")
    #expect(words.contains("begins at \(PageGeometry.prologueBytes) + *n* × page size"))
    #expect(words.contains("4096 to 65536 bytes, a power of two"))
    let valid = (0..<20).map { 1 << $0 }.filter(PageGeometry.isValid)
    #expect(valid == [4096, 8192, 16_384, 32_768, 65_536])
    #expect(!PageGeometry.isValid(pageBytes: 12_288))
  }

  @Test
  func `a superblock is written as in its table`() throws {
    let identity = (1...16).map { UInt8($0) }
    let superblock = Superblock(
      identity: identity, sequence: 21, pageBytes: 4096, lsn: 22, nextTree: 23,
      catalog: PageReference(number: 24, checksum: 25),
      map: PageReference(number: 26, checksum: 27), extentCount: 28,
      log: LogPosition(
        extent: 29, offset: 8192, nextExtent: 30, nextGroup: 31, previousChecksum: 32),
      flushedGroup: 33)
    let buffer = try AlignedBuffer(count: Superblock.bytes)
    superblock.encode(into: buffer.page(at: 0))
    let bytes = buffer.bytes(0, Superblock.bytes).array
    FormatDocument.compare(
      try document.fields("Superblock"), with: bytes,
      [
        ("checksum of bytes 4–\(Superblock.bytes - 1)", .any),
        ("format version: \(Superblock.formatVersion)", .number(UInt64(Superblock.formatVersion))),
        ("magic: `record-store v1` and a line feed", .bytes(Array("record-store v1\n".utf8))),
        ("identity", .bytes(identity)), ("sequence", .number(21)),
        ("bytes of a page", .number(4096)),
        ("bytes of an extent: \(PageGeometry.extentBytes)", .number(1 << 20)),
        ("LSN", .number(22)), ("identifier of the next tree", .number(23)),
        ("checksum of the first catalog", .number(25)), ("first catalog page", .number(24)),
        ("first map directory", .number(26)), ("its checksum", .number(27)),
        ("extent in which the log goes on", .number(29)), ("extents of the file", .number(28)),
        (
          "offset in that extent, a multiple of \(LogChunkHeader.blockBytes); 1048576",
          .number(8192)
        ),
        ("extent after that one", .number(30)), ("number of the next log group", .number(31)),
        ("checksum of the last chunk", .number(32)), ("zero", .number(0)),
        ("last log group known to be flushed", .number(33)),
      ])
    #expect(bytes[136...].allSatisfy { $0 == 0 })
    let words = try document.words(of: "Superblock")
    #expect(words.contains("sequence *s* is in slot *s* mod 2"))
  }

  @Test
  func `a page header is written as in its table`() throws {
    let buffer = try AlignedBuffer(count: 4096)
    let page = buffer.page(at: 0)
    page.format(kind: .branch, level: 3, number: 40, birth: 41, tree: 42, pageBytes: 4096)
    Array("pre".utf8).withBytes { page.setPrefix($0) }
    page.store32(44, PageLayout.heapGarbage)
    page.store16(45, PageLayout.appendRun)
    page.store64(46, PageLayout.nextPage)
    page.store32(47, PageLayout.nextChecksum)
    page.store32(48, PageLayout.payloadBytes)
    page.store32(page.computeChecksum(pageBytes: 4096), PageLayout.checksum)
    let fields = try document.fields("Pages")
    FormatDocument.compare(
      fields, with: buffer.bytes(0, 4096).array,
      [
        ("checksum of everything behind it", .any), ("kind", .number(2)), ("level", .number(3)),
        ("slots in use", .number(0)), ("the page's own number", .number(40)),
        ("birth", .number(41)), ("tree", .number(42)), ("heap start", .number(4093)),
        ("bytes of the heap that nothing", .number(44)), ("offset of the prefix", .number(4093)),
        ("length of the prefix", .number(3)), ("how many inserts in a row", .number(45)),
        ("next page of a chain", .number(46)), ("its checksum", .number(47)),
        ("bytes of payload", .number(48)), ("zero", .number(0)),
      ])
    let kinds = (0...UInt8.max).compactMap(PageKind.init).map {
      "\($0.rawValue) \(Self.spaced($0))"
    }
    #expect(fields[1].text == "kind: " + kinds.joined(separator: ", "))
    #expect(try document.words(of: "Pages").contains("has \(PageLayout.headerBytes) bytes."))
  }

  /// `runList` as "run list".
  private static func spaced(_ kind: PageKind) -> String {
    "\(kind)".map { $0.isUppercase ? " \($0.lowercased())" : "\($0)" }.joined()
  }

  @Test
  func `a slot is written as in its table`() throws {
    let buffer = try AlignedBuffer(count: 4096)
    let page = buffer.page(at: 0)
    page.format(kind: .leaf, level: 0, number: 1, birth: 1, tree: 1, pageBytes: 4096)
    let (key, value) = (Array("abcdefghij".utf8), [UInt8](repeating: 9, count: 33))
    key.withBytes { key in
      value.withBytes { page.insert(0, suffix: key, value: $0, form: .runs) }
    }
    let head = PageLayout.headerBytes
    #expect(buffer.bytes(head, 8).array == Array("hgfedcba".utf8), "big-endian, as a number")
    let fields = try document.fields("Pages", table: 1)
    let start = head + PageLayout.headBytes
    FormatDocument.compare(
      fields, with: buffer.bytes(start, PageLayout.slotBytes).array,
      [
        ("offset of key and value", .number(4096 - 43)), ("length of the key", .number(10)),
        ("length of the value", .number(33)), ("form of the value", .number(2)),
      ])
    #expect(buffer.bytes(4096 - 43, 43).array == key + value)
    #expect(fields[3].text.hasSuffix("0 itself, 1 value pages, 2 runs of pages"))
    #expect([ValueForm.inline, .paged, .runs].map(\.rawValue) == [0, 1, 2])
    let words = try document.words(of: "Pages")
    #expect(words.contains("Up to \(PageGeometry.directValueBytes) bytes:"))
    #expect(words.contains("then up to \(DirectValue.maximumInlineRuns) runs"))
    #expect(words.contains("exceed a quarter of a page"))
    #expect(PageGeometry(pageBytes: 8192).maximumInlineBytes == 2048)
  }

  @Test
  func `references, runs and large values are written as described`() {
    let paged = PagedValue.encode(length: 5000, pages: [7])
    #expect(paged == [0x88, 0x13, 0, 0, 0, 0, 0, 0, 7] + [UInt8](repeating: 0, count: 15))
    #expect(paged.count == 8 + PageLayout.referenceBytes)
    let run = PageRun(first: 3, count: 4, checksum: 5)
    let head: [UInt8] = [6, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
    #expect(
      DirectValue(length: 6, runs: [run], list: nil).encoded
        == head + [3, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0])
  }

  @Test
  func `a catalog entry is written as in its table`() throws {
    var tree = TreeDescriptor(id: 50)
    tree.root = PageReference(number: 51, checksum: 52)
    tree.height = 3
    (tree.entries, tree.leafPages, tree.branchPages) = (53, 54, 55)
    var set = TreeSet()
    set.add(tree, named: "name")
    let bytes = try #require(Catalog.encode(set, limit: 4032).first)
    FormatDocument.compare(
      try document.fields("Catalog"), with: bytes,
      [
        ("tree", .number(50)), ("height", .number(3)), ("zero", .number(0)),
        ("length of the name", .number(4)), ("root page", .number(51)),
        ("its checksum", .number(52)), ("zero", .number(0)), ("entries", .number(53)),
        ("leaves", .number(54)), ("branches", .number(55)),
      ])
    #expect(bytes[Catalog.entryHeaderBytes...].elementsEqual("name".utf8))
    let words = try document.words(of: "Catalog")
    #expect(words.contains("1 to \(Catalog.maximumNameBytes) bytes of UTF-8"))
  }

  @Test
  func `the extent map is written as described`() throws {
    let words = try document.words(of: "Extent map")
    #expect(words.contains("entries of \(ExtentMap.entryBytes) bytes"))
    #expect(words.contains("and \(ExtentMap.bitmapBytes * 8) bits"))
    let owners = (0...UInt8.max).compactMap(ExtentOwner.init).map { "\($0.rawValue) \($0)" }
    #expect(words.contains("owner (" + owners.joined(separator: ", ") + ")"))
    var map = ExtentMap(geometry: PageGeometry(pageBytes: 4096))
    map.grow(toExtents: 2)
    map.setOwner(0, .pages)
    map.setOwner(1, .log)
    map.markAllocated(9)
    let bytes = map.encode(0..<2, reachable: map.reachable())
    #expect(Array(bytes[..<12]) == [1, 0, 0, 0, 0, 0, 0, 0, 0b1, 0b10, 0, 0])
    #expect(bytes[40...] == [2] + ArraySlice(repeating: 0, count: 39))
  }
}
