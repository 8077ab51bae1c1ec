// SPDX-License-Identifier: Apache-2.0

/// Checks of UTF-8 (RFC 3629): shortest form, no surrogates, nothing above U+10FFFF.
enum UTF8Scan {
  /// What begins at a place.
  enum Sequence: Equatable {
    /// A character of so many bytes.
    case valid(Int)
    /// The first bytes of a character; the rest lies beyond the end.
    case cut
    /// No character.
    case invalid
  }

  /// Judges the character that begins at `offset` with a byte from 0x80 up.
  static func sequenceLength(_ bytes: Span<UInt8>, at offset: Int) -> Sequence {
    let lead = bytes[offset]
    let length: Int
    var second: ClosedRange<UInt8> = 0x80...0xbf
    switch lead {
    case 0xc2...0xdf: length = 2
    case 0xe0...0xef:
      length = 3
      if lead == 0xe0 { second = 0xa0...0xbf }
      if lead == 0xed { second = 0x80...0x9f }
    case 0xf0...0xf4:
      length = 4
      if lead == 0xf0 { second = 0x90...0xbf }
      if lead == 0xf4 { second = 0x80...0x8f }
    default: return .invalid
    }
    for place in 1..<length {
      guard offset + place < bytes.count else { return .cut }
      let byte = bytes[offset + place]
      guard place == 1 ? second.contains(byte) : byte & 0xc0 == 0x80 else { return .invalid }
    }
    return .valid(length)
  }

  /// The first place in `range` where the bytes are not UTF-8, or `nil`.
  static func firstFault(_ bytes: Span<UInt8>, in range: Range<Int>) -> Int? {
    var index = range.lowerBound
    while index < range.upperBound {
      if bytes[index] < 0x80 {
        index += 1
        continue
      }
      guard case .valid(let length) = sequenceLength(bytes, at: index),
        index + length <= range.upperBound
      else { return index }
      index += length
    }
    return nil
  }
}

/// Hexadecimal digits.
enum HexDigits {
  /// The value of a digit in either case, or `nil`.
  static func value(of byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  /// The lower-case digit of a value below 16.
  static func digit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
  }
}
