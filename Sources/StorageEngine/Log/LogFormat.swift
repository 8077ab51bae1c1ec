// SPDX-License-Identifier: Apache-2.0

/// The header of a chunk of the log, as tabled in docs/FORMAT.md, section 1.6.
///
/// A group of transactions is written as one chunk, or as several when it reaches over the end of
/// an extent. Chunks begin at multiples of 4096 and never share a block, so that writing one can
/// not hurt another that was acknowledged.
struct LogChunkHeader: Equatable {
  static let bytes = 64
  static let blockBytes = 4096
  static let magic: UInt32 = 0x3147_4F4C  // "LOG1"

  enum Field {
    static let checksum = 0  // UInt32, CRC-32C of the header behind it and the payload
    static let magic = 4  // UInt32
    static let group = 8  // UInt64
    static let flushedGroup = 16  // UInt64
    static let payloadBytes = 24  // UInt32
    static let chunk = 28  // UInt32
    static let chunkCount = 32  // UInt32
    static let previousChecksum = 36  // UInt32
    static let nextExtent = 40  // UInt32
    static let salt = 44  // UInt32
    static let store = 48  // UInt64, the first eight bytes of the store's identity
  }

  /// Number of the group, without gaps.
  var group: UInt64
  /// The last group known to be flushed when this one was written.
  var flushedGroup: UInt64
  var payloadBytes: Int
  /// Place of the chunk in its group, and how many there are.
  var chunk: Int
  var chunkCount: Int
  /// The checksum of the chunk before, also of an earlier group: a chunk that was left over from
  /// another history does not fit.
  var previousChecksum: UInt32
  /// The extent in which the log goes on when this one is full.
  var nextExtent: Int
  /// A number that each opening of the store draws anew.
  ///
  /// What a crash left behind the log's end does not fit behind a group that is written once more
  /// with the same content.
  var salt: UInt32
  var store: UInt64

  static func paddedBytes(payload: Int) -> Int {
    (bytes + payload + blockBytes - 1) / blockBytes * blockBytes
  }

  /// Writes the header in front of a payload that is already in place; returns the checksum.
  func encode(into page: PageView) -> UInt32 {
    for offset in stride(from: 0, to: Self.bytes, by: 8) { page.store64(0, offset) }
    page.store32(Self.magic, Field.magic)
    page.store64(group, Field.group)
    page.store64(flushedGroup, Field.flushedGroup)
    page.store32(UInt32(payloadBytes), Field.payloadBytes)
    page.store32(UInt32(chunk), Field.chunk)
    page.store32(UInt32(chunkCount), Field.chunkCount)
    page.store32(previousChecksum, Field.previousChecksum)
    page.store32(UInt32(nextExtent), Field.nextExtent)
    page.store32(salt, Field.salt)
    page.store64(store, Field.store)
    let checksum = page.bytes(4, Self.bytes + payloadBytes - 4).checksum()
    page.store32(checksum, Field.checksum)
    return checksum
  }

  /// Reads a chunk of which at most `available` bytes follow; `nil` when its checksum is wrong or
  /// it is none of this store's.
  static func decode(_ bytes: Bytes, store: UInt64) -> (header: LogChunkHeader, checksum: UInt32)? {
    guard bytes.count >= Self.bytes else { return nil }
    let payloadBytes = Int(bytes.load(Field.payloadBytes, as: UInt32.self))
    guard payloadBytes <= bytes.count - Self.bytes else { return nil }
    let checksum = bytes.load(Field.checksum, as: UInt32.self)
    let computed = bytes.dropFirst(4).prefix(Self.bytes + payloadBytes - 4).checksum()
    guard computed == checksum, bytes.load(Field.magic, as: UInt32.self) == magic,
      bytes.load(Field.store, as: UInt64.self) == store
    else { return nil }
    let header = LogChunkHeader(
      group: bytes.load(Field.group, as: UInt64.self),
      flushedGroup: bytes.load(Field.flushedGroup, as: UInt64.self),
      payloadBytes: payloadBytes,
      chunk: Int(bytes.load(Field.chunk, as: UInt32.self)),
      chunkCount: Int(bytes.load(Field.chunkCount, as: UInt32.self)),
      previousChecksum: bytes.load(Field.previousChecksum, as: UInt32.self),
      nextExtent: Int(bytes.load(Field.nextExtent, as: UInt32.self)),
      salt: bytes.load(Field.salt, as: UInt32.self), store: store)
    return (header, checksum)
  }
}

/// Where the log goes on.
struct LogPosition: Equatable {
  var extent: Int
  /// Bytes from the start of the extent; the extent's length when it is full.
  var offset: Int
  /// The extent after this one.
  var nextExtent: Int
  var nextGroup: UInt64
  /// The checksum of the last chunk before this place.
  var previousChecksum: UInt32
}

/// Where one chunk of a group goes.
struct LogPlacement: Equatable {
  let extent: Int
  let offset: Int
  let payloadBytes: Int
  let nextExtent: Int
}
