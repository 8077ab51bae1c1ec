// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import StorageEngine

// The format is described in docs/FORMAT.md, section 6.

/// The numbers of the snapshot format; integers are little-endian.
enum SnapshotLayout {
  /// The first bytes of every frame.
  static let magic: [UInt8] = Array("RSSNAPSH".utf8)
  /// The version this program writes, and the highest it reads.
  static let version: UInt16 = 1
  /// Bytes of a frame's header.
  static let headerBytes = 48
  /// Most bytes of a payload before compression; stored payloads are never longer.
  static let payloadBytes = 1 << 20
  /// Most bytes of a value in a tree of durable memory; in one of records, those of a transaction.
  static let memoryValueBytes = 1 << 30
  /// Bytes before key and value of an entry.
  static let entryHeadBytes = 6

  /// Where the fields of a header begin.
  enum Offset {
    static let version = 8
    static let type = 10
    static let codec = 11
    static let reserved = 12
    static let number = 16
    static let plainLength = 24
    static let storedLength = 28
    static let reserved2 = 32
    static let payloadChecksum = 40
    static let headerChecksum = 44
  }
}

/// What a frame of a snapshot carries.
enum SnapshotFrameType: UInt8 {
  case begin = 1
  case tree = 2
  case entries = 3
  case totals = 4
}

/// The header of a frame.
struct SnapshotFrame: Equatable {
  let type: SnapshotFrameType
  /// Place of the frame in the file, from 0.
  let number: UInt64
  /// Bytes of the payload before compression.
  let plainLength: UInt32
  /// Bytes of the payload in the file; fewer than `plainLength` if it is compressed.
  let storedLength: UInt32
  /// CRC-32C of the payload in the file.
  let payloadChecksum: UInt32

  var isCompressed: Bool { storedLength < plainLength }

  /// The bytes of the header.
  var bytes: [UInt8] {
    var bytes = SnapshotLayout.magic
    bytes.appendLittleEndian(UInt64(SnapshotLayout.version), bytes: 2)
    bytes.append(type.rawValue)
    bytes.append(isCompressed ? 1 : 0)
    bytes.appendLittleEndian(0, bytes: 4)
    bytes.appendLittleEndian(number, bytes: 8)
    bytes.appendLittleEndian(UInt64(plainLength), bytes: 4)
    bytes.appendLittleEndian(UInt64(storedLength), bytes: 4)
    bytes.appendLittleEndian(0, bytes: 8)
    bytes.appendLittleEndian(UInt64(payloadChecksum), bytes: 4)
    bytes.appendLittleEndian(UInt64(Checksum.crc32c(of: bytes[...])), bytes: 4)
    return bytes
  }
}

extension SnapshotFrame {
  /// Why bytes are no header.
  enum Problem: Error, Equatable {
    /// Damaged.
    case damaged(String)
    /// Not of a snapshot, or damaged from the first byte on.
    case foreign
    /// Of a later version.
    case version(UInt64)
  }

  /// Reads a header of `SnapshotLayout.headerBytes` bytes.
  ///
  /// The checksum is judged before anything else is believed.
  init(decoding bytes: [UInt8]) throws(Problem) {
    typealias Offset = SnapshotLayout.Offset
    let isOurs = bytes.starts(with: SnapshotLayout.magic)
    let checksum = UInt64(Checksum.crc32c(of: bytes[..<Offset.headerChecksum]))
    guard checksum == bytes.littleEndian(at: Offset.headerChecksum, bytes: 4) else {
      throw isOurs ? .damaged("the header does not match its checksum") : .foreign
    }
    guard isOurs else { throw .foreign }
    let version = bytes.littleEndian(at: Offset.version, bytes: 2)
    guard version == UInt64(SnapshotLayout.version) else { throw .version(version) }
    guard let type = SnapshotFrameType(rawValue: bytes[Offset.type]) else {
      throw .damaged("a frame of type \(bytes[Offset.type])")
    }
    self.type = type
    number = bytes.littleEndian(at: Offset.number, bytes: 8)
    plainLength = UInt32(bytes.littleEndian(at: Offset.plainLength, bytes: 4))
    storedLength = UInt32(bytes.littleEndian(at: Offset.storedLength, bytes: 4))
    payloadChecksum = UInt32(bytes.littleEndian(at: Offset.payloadChecksum, bytes: 4))
    guard plainLength <= UInt32(SnapshotLayout.payloadBytes), storedLength <= plainLength else {
      throw .damaged("a payload of \(storedLength) bytes for \(plainLength)")
    }
    guard bytes[Offset.codec] == (isCompressed ? 1 : 0),
      bytes.littleEndian(at: Offset.reserved, bytes: 4) == 0,
      bytes.littleEndian(at: Offset.reserved2, bytes: 8) == 0
    else { throw .damaged("a header that no writer makes") }
  }
}

extension [UInt8] {
  /// Appends the low `bytes` bytes of a number, lowest first.
  mutating func appendLittleEndian(_ number: UInt64, bytes: Int) {
    for place in 0..<bytes {
      append(UInt8(truncatingIfNeeded: number >> UInt64(8 * place)))
    }
  }

  /// The number in `bytes` bytes from `offset` on, which must be there, lowest first.
  func littleEndian(at offset: Int, bytes: Int) -> UInt64 {
    var number: UInt64 = 0
    for place in 0..<bytes { number |= UInt64(self[offset + place]) << UInt64(8 * place) }
    return number
  }
}
