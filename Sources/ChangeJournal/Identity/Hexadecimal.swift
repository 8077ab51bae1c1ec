// SPDX-License-Identifier: Apache-2.0

/// Lowercase hexadecimal text, the written form of every identifier and hash.
package enum Hexadecimal {
  /// Writes two digits a byte.
  package static func text(_ bytes: some Sequence<UInt8>) -> String {
    var digits: [UInt8] = []
    for byte in bytes {
      digits.append(digit(byte >> 4))
      digits.append(digit(byte & 0x0f))
    }
    return String(decoding: digits, as: UTF8.self)
  }

  /// Writes the sixteen digits of a number, most significant first.
  static func text(_ number: UInt64) -> String {
    text([UInt8](bigEndian: [number]))
  }

  /// Reads exactly sixteen lowercase digits.
  static func number(_ digits: Substring.UTF8View) -> UInt64? {
    guard digits.count == 16 else { return nil }
    var number: UInt64 = 0
    for digit in digits {
      guard let nibble = value(digit) else { return nil }
      number = number << 4 | UInt64(nibble)
    }
    return number
  }

  private static func digit(_ nibble: UInt8) -> UInt8 {
    nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
  }

  private static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    default: nil
    }
  }
}
