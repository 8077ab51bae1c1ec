// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// A chunk of the log counts only where it is expected; any other ends the log.
///
/// The chain of checksums alone would refuse most of what the single fields refuse: so each is
/// made wrong here in a chunk that is right in everything else.
struct LogReaderTests {
  private static let store: UInt64 = 0x1122_3344_5566_7788
  private static let payload = [UInt8](repeating: 7, count: 100)

  private let pager: Pager

  init() throws {
    pager = try Pager(
      storage: SimulatedDisk(), geometry: PageGeometry(pageBytes: 4096), cacheBytes: 4 << 20)
    try pager.resize(toExtents: 3)
  }

  private static func header(_ change: (inout LogChunkHeader) -> Void = { _ in }) -> LogChunkHeader
  {
    var header = LogChunkHeader(
      group: 5, flushedGroup: 0, payloadBytes: payload.count, chunk: 0, chunkCount: 1,
      previousChecksum: 99, nextExtent: 2, salt: 3, store: store)
    change(&header)
    return header
  }

  /// Writes a chunk to the log and returns its checksum.
  @discardableResult
  private func write(
    _ header: LogChunkHeader, at offset: Int = 0, magic: UInt32 = LogChunkHeader.magic
  ) throws -> UInt32 {
    let buffer = try AlignedBuffer(count: 4096)
    Self.payload.withBytes { buffer.copy($0, to: LogChunkHeader.bytes) }
    let page = buffer.page(at: 0)
    _ = header.encode(into: page)
    page.store32(magic, LogChunkHeader.Field.magic)
    let checksum = page.bytes(4, LogChunkHeader.bytes + Self.payload.count - 4).checksum()
    page.store32(checksum, LogChunkHeader.Field.checksum)
    try unsafe pager.storage.write(
      UnsafeRawBufferPointer(buffer.buffer(0, 4096)),
      at: pager.geometry.offset(ofExtent: 1) + UInt64(offset))
    return checksum
  }

  private func makeReader() throws -> LogReader {
    try LogReader(
      pager: pager, store: Self.store,
      from: LogPosition(
        extent: 1, offset: 0, nextExtent: 2, nextGroup: 5, previousChecksum: 99),
      claimedGroup: 0)
  }

  @Test
  func `a chunk that is right in everything is read`() throws {
    try write(Self.header())
    var reader = try makeReader()
    let payload = LogBuffer()
    #expect(try reader.next(into: payload))
    #expect(payload.bytes.array == Self.payload)
    #expect(reader.position.nextGroup == 6)
    payload.removeAll()
    #expect(try !reader.next(into: payload))
  }

  enum Mistake: String, CaseIterable {
    case earlierGroup, laterGroup, place, noChunks, previousChecksum, otherStore

    func apply(to header: inout LogChunkHeader) {
      switch self {
      case .earlierGroup: header.group = 4
      case .laterGroup: header.group = 6
      case .place: header.chunk = 1
      case .noChunks: header.chunkCount = 0
      case .previousChecksum: header.previousChecksum = 98
      case .otherStore: header.store += 1
      }
    }
  }

  @Test(arguments: Mistake.allCases)
  func `a chunk that is wrong in one field ends the log`(_ mistake: Mistake) throws {
    try write(Self.header(mistake.apply))
    var reader = try makeReader()
    let payload = LogBuffer()
    #expect(try !reader.next(into: payload))
    #expect(payload.count == 0)
    #expect(reader.position.nextGroup == 5)
  }

  @Test
  func `no bit of a chunk may be wrong`() throws {
    try write(Self.header())
    let place = pager.geometry.offset(ofExtent: 1)
    let bytes = try pager.storage.read(4096, at: place)
    for bit in 0..<(LogChunkHeader.bytes + Self.payload.count) * 8 {
      var wrong = bytes
      wrong[bit / 8] ^= 1 << UInt8(bit % 8)
      try pager.storage.write(wrong, at: place)
      var reader = try makeReader()
      #expect(try !reader.next(into: LogBuffer()), "bit \(bit)")
    }
  }

  @Test
  func `a chunk without the magic ends the log`() throws {
    try write(Self.header(), magic: 0x3247_4F4C)
    var reader = try makeReader()
    #expect(try !reader.next(into: LogBuffer()))
  }

  @Test
  func `a group that lacks its last chunk is not read in part`() throws {
    try write(Self.header { $0.chunkCount = 2 })
    var reader = try makeReader()
    let payload = LogBuffer()
    #expect(try !reader.next(into: payload))
    #expect(payload.count == 0)
    #expect(reader.position.offset == 0)
  }

  @Test
  func `what another store left behind is neither read nor taken for a claim`() throws {
    try write(
      Self.header {
        $0.group = 9
        $0.flushedGroup = 8
        $0.store += 1
      }, at: 8192)
    var reader = try makeReader()
    #expect(try !reader.next(into: LogBuffer()))
  }

  @Test
  func `a missing group that a later one calls flushed is damage`() throws {
    try write(
      Self.header {
        $0.group = 7
        $0.flushedGroup = 5
      }, at: 8192)
    var reader = try makeReader()
    let error = #expect(throws: EngineError.self) { _ = try reader.next(into: LogBuffer()) }
    guard case .corrupt(let damage)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(damage.structure == "log group 5")
  }
}
