// SPDX-License-Identifier: Apache-2.0

/// Base64 with padding (RFC 4648, section 4), in its one canonical form.
enum Base64 {
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let padding = UInt8(ascii: "=")

  /// Appends the base64 of `bytes` to `output`.
  static func encode(_ bytes: Span<UInt8>, _ range: Range<Int>, into output: inout [UInt8]) {
    var index = range.lowerBound
    while index < range.upperBound {
      let available = min(3, range.upperBound - index)
      var group: UInt32 = 0
      for place in 0..<3 {
        group = group << 8 | (place < available ? UInt32(bytes[index + place]) : 0)
      }
      for place in 0..<4 {
        let digit = Int(group >> UInt32(18 - place * 6) & 63)
        output.append(place <= available ? alphabet[digit] : padding)
      }
      index += 3
    }
  }

  /// The bytes, or `nil` unless `text` is canonical base64.
  static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    guard text.count % 4 == 0 else { return nil }
    let digits = text.prefix { $0 != padding }
    guard text.count - digits.count <= 2, text.dropFirst(digits.count).allSatisfy({ $0 == padding })
    else { return nil }
    var output: [UInt8] = []
    output.reserveCapacity(text.count / 4 * 3)
    var group: UInt32 = 0
    var bits: UInt32 = 0
    for byte in digits {
      guard let digit = value(of: byte) else { return nil }
      group = group << 6 | UInt32(digit)
      bits += 6
      if bits >= 8 {
        bits -= 8
        output.append(UInt8(truncatingIfNeeded: group >> bits))
        group &= 1 << bits - 1
      }
    }
    // What is left over must be zero, or two texts would mean the same bytes.
    return group == 0 ? output : nil
  }

  private static func value(of byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - UInt8(ascii: "A")
    case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - UInt8(ascii: "a") + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0") + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
