// SPDX-License-Identifier: Apache-2.0

/// Where a store begins: everything else is found from here.
///
/// Tabled in docs/FORMAT.md, 1.2.
///
/// Two slots are written in turn, so that one is whole at any moment. What a checkpoint frees is
/// used again only when the next is durable; so either slot recovers the same state.
struct Superblock: Equatable {
  static let bytes = 4096
  static let formatVersion: UInt32 = 1
  static let magic: [UInt8] = Array("record-store v1\n".utf8)

  enum Field {
    static let checksum = 0  // UInt32, CRC-32C of everything behind it
    static let version = 4  // UInt32
    static let magic = 8  // 16 bytes
    static let identity = 24  // 16 bytes
    static let sequence = 40  // UInt64
    static let pageBytes = 48  // UInt32
    static let extentBytes = 52  // UInt32
    static let lsn = 56  // UInt64
    static let nextTree = 64  // UInt32
    static let catalogChecksum = 68  // UInt32
    static let catalogPage = 72  // UInt64
    static let mapPage = 80  // UInt64
    static let mapChecksum = 88  // UInt32
    static let logExtent = 92  // UInt32
    static let extentCount = 96  // UInt64
    static let logOffset = 104  // UInt32
    static let logNextExtent = 108  // UInt32
    static let logNextGroup = 112  // UInt64
    static let logPreviousChecksum = 120  // UInt32
    static let flushedGroup = 128  // UInt64
  }

  var identity: [UInt8]
  /// Counts the superblocks written; its lowest bit is the slot.
  var sequence: UInt64
  var pageBytes: Int
  /// The last transaction that the pages contain.
  var lsn: UInt64
  var nextTree: UInt32
  var catalog: PageReference
  var map: PageReference
  var extentCount: Int
  var log: LogPosition
  /// The last group of the log known to be flushed.
  var flushedGroup: UInt64

  /// The part of the identity that marks chunks of the log.
  var logMark: UInt64 {
    identity.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
  }

  func encode(into page: PageView) {
    page.clear(pageBytes: Self.bytes)
    page.store32(Self.formatVersion, Field.version)
    Self.magic.withBytes { page.copy($0, to: Field.magic) }
    identity.withBytes { page.copy($0, to: Field.identity) }
    page.store64(sequence, Field.sequence)
    page.store32(UInt32(pageBytes), Field.pageBytes)
    page.store32(UInt32(PageGeometry.extentBytes), Field.extentBytes)
    page.store64(lsn, Field.lsn)
    page.store32(nextTree, Field.nextTree)
    page.store64(catalog.number, Field.catalogPage)
    page.store32(catalog.checksum, Field.catalogChecksum)
    page.store64(map.number, Field.mapPage)
    page.store32(map.checksum, Field.mapChecksum)
    page.store64(UInt64(extentCount), Field.extentCount)
    page.store32(UInt32(log.extent), Field.logExtent)
    page.store32(UInt32(log.offset), Field.logOffset)
    page.store32(UInt32(log.nextExtent), Field.logNextExtent)
    page.store64(log.nextGroup, Field.logNextGroup)
    page.store32(log.previousChecksum, Field.logPreviousChecksum)
    page.store64(flushedGroup, Field.flushedGroup)
    page.store32(page.bytes(4, Self.bytes - 4).checksum(), Field.checksum)
  }

  /// Why a slot cannot be used.
  enum Invalid: Error, Equatable {
    case checksum
    case magic
    case version(UInt32)
    case field(String)
  }

  /// Reads a slot.
  ///
  /// The checksum is judged before anything else.
  static func decode(_ page: PageView) throws(Invalid) -> Superblock {
    guard page.bytes(4, bytes - 4).checksum() == page.load32(Field.checksum) else {
      throw .checksum
    }
    guard page.bytes(Field.magic, magic.count).array == magic else { throw .magic }
    let version = page.load32(Field.version)
    guard version == formatVersion else { throw .version(version) }
    let superblock = Superblock(
      identity: page.bytes(Field.identity, 16).array,
      sequence: page.load64(Field.sequence),
      pageBytes: Int(page.load32(Field.pageBytes)),
      lsn: page.load64(Field.lsn),
      nextTree: page.load32(Field.nextTree),
      catalog: PageReference(
        number: page.load64(Field.catalogPage), checksum: page.load32(Field.catalogChecksum)),
      map: PageReference(
        number: page.load64(Field.mapPage), checksum: page.load32(Field.mapChecksum)),
      extentCount: Int(min(page.load64(Field.extentCount), UInt64(PageTable.maximumPages))),
      log: LogPosition(
        extent: Int(page.load32(Field.logExtent)), offset: Int(page.load32(Field.logOffset)),
        nextExtent: Int(page.load32(Field.logNextExtent)),
        nextGroup: page.load64(Field.logNextGroup),
        previousChecksum: page.load32(Field.logPreviousChecksum)),
      flushedGroup: page.load64(Field.flushedGroup))
    try superblock.checkFields(extentBytes: Int(page.load32(Field.extentBytes)))
    return superblock
  }

  private func checkFields(extentBytes: Int) throws(Invalid) {
    guard PageGeometry.isValid(pageBytes: pageBytes) else {
      throw .field("pages of \(pageBytes) bytes")
    }
    guard extentBytes == PageGeometry.extentBytes else {
      throw .field("extents of \(extentBytes) bytes")
    }
    guard extentCount * (PageGeometry.extentBytes / pageBytes) <= PageTable.maximumPages,
      log.extent < extentCount, log.nextExtent < extentCount,
      log.offset <= PageGeometry.extentBytes, log.offset % LogChunkHeader.blockBytes == 0,
      lsn < UInt64.max / 2, log.nextGroup < UInt64.max / 2, sequence < UInt64.max / 2
    else { throw .field("places outside the file") }
  }
}

extension Storage {
  /// Writes a superblock to the slot its sequence number names.
  func write(_ superblock: Superblock, using buffer: AlignedBuffer) throws(StorageError) {
    superblock.encode(into: buffer.page(at: 0))
    try unsafe write(
      UnsafeRawBufferPointer(buffer.buffer(0, Superblock.bytes)),
      at: superblock.sequence % 2 * UInt64(Superblock.bytes))
  }
}
