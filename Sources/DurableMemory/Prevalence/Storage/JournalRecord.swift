// SPDX-License-Identifier: Apache-2.0

/// One command in the journal.
///
///     1  format
///     1  flags: 1 a state hash follows, 2 the command is in the tree of payloads
///     n  time in milliseconds, in groups of seven bits, the lowest first
///     8  state hash after the command, the lowest byte first, if there is one
///     1  length of the name
///     n  name
///     n  version, in groups of seven bits
///     n  the command, as its codec wrote it, unless it is elsewhere
struct JournalRecord {
  static let supportedFormat: UInt8 = 1
  static let hashFlag: UInt8 = 1
  static let elsewhereFlag: UInt8 = 2
  /// The longest entry; what is longer has its command elsewhere.
  static let maximumBytes = 60_000

  let number: UInt64
  let time: UInt64
  let hash: UInt64?
  let name: ArraySlice<UInt8>
  let version: Int
  /// The bytes of the command; empty when they are elsewhere.
  let payload: ArraySlice<UInt8>
  let isElsewhere: Bool
  /// Bytes of the entry.
  let byteCount: Int

  /// Reads an entry.
  init(number: UInt64, _ bytes: ArraySlice<UInt8>) throws(PrevalenceError) {
    let source = BinarySource(bytes, depthLimit: 0)
    var cursor = BinaryCursor(
      source: source, offset: bytes.startIndex, end: bytes.endIndex, depth: 0)
    do {
      let format = try cursor.readWord(UInt8.self)
      guard format <= Self.supportedFormat else {
        throw PrevalenceError.unsupportedFormat(
          found: Int(format), supported: Int(Self.supportedFormat))
      }
      let flags = try cursor.readWord(UInt8.self)
      guard format > 0, flags <= 3 else { throw cursor.malformed("no entry begins like this") }
      self.number = number
      time = try cursor.readVarint()
      hash = flags & Self.hashFlag == 0 ? nil : try cursor.readWord(UInt64.self)
      name = try cursor.readShortBytes()
      if name.isEmpty { throw cursor.malformed("its command has no name") }
      let version = Int(exactly: try cursor.readVarint())
      guard let version, version > 0 else { throw cursor.malformed("its command has no version") }
      self.version = version
      payload = bytes[cursor.offset...]
      isElsewhere = flags & Self.elsewhereFlag != 0
      guard !isElsewhere || payload.isEmpty else {
        throw cursor.malformed("bytes are left over, as its command is elsewhere")
      }
      byteCount = bytes.count
    } catch let error as PrevalenceError {
      throw error
    } catch {
      throw .damagedEntry(number: number, reason: "\(error)")
    }
  }

  /// Appends what comes before the name.
  static func appendHead(time: UInt64, hash: UInt64?, flags: UInt8 = 0, to bytes: inout [UInt8]) {
    bytes.append(supportedFormat)
    bytes.append(flags | (hash == nil ? 0 : hashFlag))
    appendVarint(time, to: &bytes)
    if let hash {
      for place in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: hash >> (8 * UInt64(place)))) }
    }
  }

  /// Appends what names the type of the command.
  static func appendForm(_ name: String, version: Int, to bytes: inout [UInt8]) {
    bytes.append(UInt8(truncatingIfNeeded: name.utf8.count))
    bytes.append(contentsOf: name.utf8)
    // One below zero is named as a mistake of the registry.
    appendVarint(UInt64(truncatingIfNeeded: version), to: &bytes)
  }

  private static func appendVarint(_ value: UInt64, to bytes: inout [UInt8]) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }
}

extension BinaryCursor {
  /// Bytes after their number in one byte.
  mutating func readShortBytes() throws -> ArraySlice<UInt8> {
    let count = Int(try readWord(UInt8.self))
    let start = offset
    try advance(count)
    return source.bytes[start..<offset]
  }
}
