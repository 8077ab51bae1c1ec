// SPDX-License-Identifier: Apache-2.0

/// Writes deterministic CBOR (RFC 8949, section 4.2.1) into a growing buffer.
public struct CBORWriter: Sendable {
  /// Everything written so far.
  public private(set) var bytes: [UInt8] = []

  /// Starts with an empty buffer that has room for `capacity` bytes.
  public init(capacity: Int = 256) {
    bytes.reserveCapacity(capacity)
  }

  /// How many bytes are written.
  public var count: Int { bytes.count }

  /// Writes a whole number that is not negative.
  public mutating func write(unsigned number: UInt64) {
    writeHead(.unsigned, number)
  }

  /// Writes a whole number.
  public mutating func write(integer number: Int64) {
    if number >= 0 {
      writeHead(.unsigned, UInt64(bitPattern: number))
    } else {
      writeHead(.negative, UInt64(bitPattern: ~number))
    }
  }

  /// Writes a text.
  public mutating func write(text: String) {
    writeHead(.text, UInt64(text.utf8.count))
    bytes.append(contentsOf: text.utf8)
  }

  /// Writes a byte string.
  public mutating func write(bytes string: [UInt8]) {
    writeHead(.bytes, UInt64(string.count))
    bytes.append(contentsOf: string)
  }

  /// Writes an origin as a byte string.
  mutating func write(_ origin: Origin) {
    writeHead(.bytes, UInt64(Origin.byteCount))
    bytes.append(bigEndian: origin.replica.high)
    bytes.append(bigEndian: origin.replica.low)
    bytes.append(bigEndian: origin.incarnation)
  }

  /// Writes a digest as a byte string.
  mutating func write(_ hash: Hash256) {
    writeHead(.bytes, UInt64(Hash256.byteCount))
    bytes.append(bigEndian: hash.words.0)
    bytes.append(bigEndian: hash.words.1)
    bytes.append(bigEndian: hash.words.2)
    bytes.append(bigEndian: hash.words.3)
  }

  /// Begins an array of `count` items, which are to be written next.
  public mutating func write(arrayCount count: Int) {
    writeHead(.array, UInt64(count))
  }

  /// Begins a map of `count` pairs, which are to be written next in canonical order.
  public mutating func write(mapCount count: Int) {
    writeHead(.map, UInt64(count))
  }

  /// Writes a tag; the tagged item is to be written next.
  public mutating func write(tag: UInt64) {
    writeHead(.tag, tag)
  }

  /// Writes true or false.
  public mutating func write(bool: Bool) {
    bytes.append(bool ? CBOR.true : CBOR.false)
  }

  /// Writes the null item.
  public mutating func writeNull() {
    bytes.append(CBOR.null)
  }

  /// Writes the item for what is absent.
  public mutating func writeUndefined() {
    bytes.append(CBOR.undefined)
  }

  /// Writes a finite number in the shortest of the three float formats that keeps it.
  ///
  /// - Throws: `.notFinite`.
  public mutating func write(double: Double) throws(CodingError) {
    guard double.isFinite else { throw CodingError(offset: count, problem: .notFinite) }
    let single = Float(double)
    guard Double(single).bitPattern == double.bitPattern else {
      bytes.append(CBOR.double)
      appendBigEndian(double.bitPattern, byteCount: 8)
      return
    }
    if let half = HalfPrecision.bits(of: single) {
      bytes.append(CBOR.half)
      appendBigEndian(UInt64(half), byteCount: 2)
    } else {
      bytes.append(CBOR.single)
      appendBigEndian(UInt64(single.bitPattern), byteCount: 4)
    }
  }

  /// Adds bytes that are encoded already.
  public mutating func append(encoded: [UInt8]) {
    bytes.append(contentsOf: encoded)
  }

  /// Returns the buffer and starts an empty one.
  public mutating func take() -> [UInt8] {
    var taken: [UInt8] = []
    swap(&taken, &bytes)
    return taken
  }

  private mutating func writeHead(_ type: CBOR.MajorType, _ argument: UInt64) {
    let high = type.rawValue << 5
    switch argument {
    case 0..<24:
      bytes.append(high | UInt8(truncatingIfNeeded: argument))
    case 24...0xff:
      bytes.append(high | 24)
      bytes.append(UInt8(truncatingIfNeeded: argument))
    case 0x100...0xffff:
      bytes.append(high | 25)
      appendBigEndian(argument, byteCount: 2)
    case 0x1_0000...0xffff_ffff:
      bytes.append(high | 26)
      appendBigEndian(argument, byteCount: 4)
    default:
      bytes.append(high | 27)
      appendBigEndian(argument, byteCount: 8)
    }
  }

  private mutating func appendBigEndian(_ number: UInt64, byteCount: UInt64) {
    var shift = byteCount * 8
    while shift > 0 {
      shift -= 8
      bytes.append(UInt8(truncatingIfNeeded: number >> shift))
    }
  }
}
