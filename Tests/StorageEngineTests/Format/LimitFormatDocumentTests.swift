// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// The limits in docs/FORMAT.md are those that readers enforce.
struct LimitFormatDocumentTests {
  private let rows: [[String]]

  init() throws {
    rows = try FormatDocument().tables(in: "Limits")[0]
  }

  @Test
  func `the table has the limits of the code`() {
    let expected: [(text: String, limit: Int?)] = [
      ("bytes of a key", PageGeometry.maximumKeyBytes),
      ("bytes of a value of form 2", PageGeometry.maximumValueBytes),
      ("bytes of the value of a key operation", PageGeometry.directValueBytes),
      ("runs of a value", largest(below: 1 << 32, Self.acceptsRuns)),
      ("pages of a run", nil),
      ("height of a tree", PageGeometry.maximumHeight),
      ("pages of the extents", PageTable.maximumPages),
      ("bytes of a tree's name", Catalog.maximumNameBytes),
      ("number of a tree", largest(below: 1 << 32, Self.acceptsTree)),
      ("LSN, sequence and log group", largest(below: .max, Self.acceptsLSN)),
      ("extents by which the log goes on", Pager.maximumGrowth),
      ("elements of a tuple", IndexType.maximumElements),
      ("tuples around an element", IndexType.maximumDepth),
    ]
    #expect(rows.count == expected.count)
    for (row, (text, limit)) in zip(rows, expected) {
      #expect(row[0].hasPrefix(text))
      #expect(row[1] == limit.map(String.init) ?? "those of an extent", "\(text)")
    }
  }

  /// The largest number that is accepted, where all up to it are.
  private func largest(below end: Int, _ accepts: (Int) -> Bool) -> Int {
    var (low, high) = (1, end)
    while high - low > 1 {
      let middle = low + (high - low) / 2
      if accepts(middle) { low = middle } else { high = middle }
    }
    return low
  }

  private static func acceptsRuns(_ count: Int) -> Bool {
    var bytes: [UInt8] = []
    bytes.appendInteger(UInt64(1))
    bytes.appendInteger(UInt32(count))
    bytes.appendInteger(UInt32(0))
    let places = count <= DirectValue.maximumInlineRuns ? count : 1
    bytes += [UInt8](repeating: 0, count: places * PageRun.encodedBytes)
    return bytes.withBytes { DirectValue($0) } != nil
  }

  private static func acceptsTree(_ number: Int) -> Bool {
    var set = TreeSet()
    let isInCatalog = catalogEntry(number, height: 0).withBytes {
      Catalog.decode($0, into: &set) == nil
    }
    let isInLog = TreeChange.validName([0x78], of: UInt32(number)) != nil
    return isInCatalog && isInLog
  }

  private static func catalogEntry(_ number: Int, height: UInt8) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendInteger(UInt32(number))
    bytes += [height, 0, 1, 0]
    bytes.appendInteger(UInt64(height == 0 ? 0 : 1))
    bytes += [UInt8](repeating: 0, count: Catalog.entryHeaderBytes - bytes.count)
    return bytes + [0x78]
  }

  private static func acceptsLSN(_ number: Int) -> Bool {
    (0..<3).allSatisfy { field in
      let numbers = (0..<3).map { $0 == field ? UInt64(number) : 1 }
      return accepts(
        superblock(lsn: numbers[0], sequence: numbers[1], group: numbers[2], extents: 3))
    }
  }

  private static func superblock(
    lsn: UInt64 = 1, sequence: UInt64 = 1, group: UInt64 = 1, extents: Int
  ) -> Superblock {
    Superblock(
      identity: [UInt8](repeating: 1, count: 16), sequence: sequence, pageBytes: 4096, lsn: lsn,
      nextTree: 1, catalog: PageReference(number: 0, checksum: 0),
      map: PageReference(number: 1, checksum: 1), extentCount: extents,
      log: LogPosition(extent: 1, offset: 0, nextExtent: 2, nextGroup: group, previousChecksum: 0),
      flushedGroup: 0)
  }

  private static func accepts(_ superblock: Superblock) -> Bool {
    guard let buffer = try? AlignedBuffer(count: Superblock.bytes) else { return false }
    superblock.encode(into: buffer.page(at: 0))
    return (try? Superblock.decode(buffer.page(at: 0))) != nil
  }

  @Test
  func `a superblock names no more pages and no higher numbers`() {
    #expect(!Self.acceptsLSN(.max))
    let most = PageTable.maximumPages / PageGeometry(pageBytes: 4096).pagesPerExtent
    #expect(Self.accepts(Self.superblock(extents: most)))
    #expect(!Self.accepts(Self.superblock(extents: most + 1)))
  }

  @Test
  func `a catalog and a branch are no higher`() throws {
    for height in [1, 24, 25] as [UInt8] {
      var set = TreeSet()
      let problem = Self.catalogEntry(1, height: height).withBytes {
        Catalog.decode($0, into: &set)
      }
      #expect((problem == nil) == (height <= 24))
      let buffer = try AlignedBuffer(count: 4096)
      let page = buffer.page(at: 0)
      page.format(
        kind: .branch, level: Int(height), number: 1, birth: 1, tree: 1, pageBytes: 4096)
      let reference = [UInt8](repeating: 1, count: PageLayout.referenceBytes)
      reference.withBytes { value in
        [0x78].withBytes { page.insert(0, suffix: $0, value: value, form: .inline) }
      }
      let found = PageValidation.problem(page, number: 1, pageBytes: 4096)
      #expect((found == nil) == (height <= 24), "\(found ?? "")")
    }
  }

  @Test
  func `a key of a page is no longer`() throws {
    for length in [1024, 1025] {
      let buffer = try AlignedBuffer(count: 4096)
      let page = buffer.page(at: 0)
      page.format(kind: .leaf, level: 0, number: 1, birth: 1, tree: 1, pageBytes: 4096)
      [UInt8](repeating: 1, count: length).withBytes { key in
        [2].withBytes { page.insert(0, suffix: key, value: $0, form: .inline) }
      }
      let found = PageValidation.problem(page, number: 1, pageBytes: 4096)
      #expect((found == nil) == (length == 1024), "\(found ?? "")")
    }
  }

  @Test(arguments: [
    (1, 1, true), (0, 1, false), (1024, 65_536, true), (1025, 1, false), (1, 65_537, false),
  ])
  func `an operation of the log has no longer key and value`(
    _ keyBytes: Int, _ valueBytes: Int, _ isAccepted: Bool
  ) {
    let log = LogBuffer()
    let key = [UInt8](repeating: 1, count: keyBytes)
    let value = [UInt8](repeating: 2, count: valueBytes)
    key.withBytes { key in
      value.withBytes { value in
        log.append(
          lsn: 1, trees: [],
          changes: [KeyChange(operation: .put, tree: 1, key: key, value: value)])
      }
    }
    var reader = LogRecordReader(log.bytes)
    #expect(((try? reader.next()) != nil) == isAccepted)
  }

  @Test
  func `a name in the log is no longer`() {
    let names = [0, 1, 255, 256].map { [UInt8](repeating: 0x78, count: $0) }
    #expect(names.map { TreeChange.validName($0, of: 1) != nil } == [false, true, true, false])
    #expect(TreeChange.validName(names[1], of: 0) == nil)
  }

  @Test
  func `a large value is no longer`() {
    let lengths = [1 << 30, 1 << 30 + 1]
    let values = lengths.map {
      DirectValue(length: $0, runs: [PageRun(first: 1, count: 1, checksum: 0)], list: nil).encoded
    }
    #expect(values.map { value in value.withBytes { DirectValue($0) } != nil } == [true, false])
  }

  @Test
  func `tuples have no more elements and lie no deeper`() {
    func isAccepted(_ type: IndexType) -> Bool {
      IndexTree.info(IndexTree.header(.replace, type, .bool), name: "index") != nil
    }
    #expect(isAccepted(.tuple([IndexType](repeating: .bool, count: 32))))
    #expect(!isAccepted(.tuple([IndexType](repeating: .bool, count: 33))))
    var type = IndexType.bool
    for depth in 1...5 {
      type = .tuple([type])
      #expect(isAccepted(type) == (depth <= 4))
    }
  }
}
