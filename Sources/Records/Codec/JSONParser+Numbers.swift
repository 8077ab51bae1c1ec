// SPDX-License-Identifier: Apache-2.0

extension JSONParser {
  /// The powers of ten that a double holds exactly.
  private static let exactPowers: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
  ]

  /// A number's digits as they are read.
  private struct Digits {
    /// The digits before exponent, as an integer; meaningless after an overflow.
    var significand: UInt64 = 0
    /// Whether the digits do not fit in `significand`.
    var overflowed = false
    /// How many digits stand after the point.
    var fractionDigits = 0
    /// The exponent written, clamped far beyond every double.
    var exponent = 0

    @inline(__always)
    mutating func append(_ digit: UInt8) {
      let (product, high) = significand.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
      significand = sum
      if high || carry { overflowed = true }
    }
  }

  /// Parses a number, whose first byte is the next, and appends it as an integer or a float.
  mutating func parseNumber(
    _ bytes: Span<UInt8>, into output: inout [UInt8]
  ) throws(JSONFault) {
    let start = offset
    let negative = bytes[offset] == UInt8(ascii: "-")
    if negative { offset += 1 }
    var digits = Digits()
    try parseIntegerDigits(bytes, into: &digits)
    var isInteger = true
    if offset < bytes.count, bytes[offset] == UInt8(ascii: ".") {
      isInteger = false
      let point = offset
      offset += 1
      try parseDigits(bytes, into: &digits)
      digits.fractionDigits = offset - point - 1
    }
    if offset < bytes.count, bytes[offset] | 0x20 == UInt8(ascii: "e") {
      isInteger = false
      try parseExponent(bytes, into: &digits)
    }
    if isInteger, !digits.overflowed, appendInteger(digits.significand, negative, &output) {
      return
    }
    output.appendDouble(try double(digits, negative, start, bytes))
  }

  /// Appends an integer if it lies between -2^63 and 2^64-1.
  @inline(__always)
  private func appendInteger(
    _ magnitude: UInt64, _ negative: Bool, _ output: inout [UInt8]
  ) -> Bool {
    if !negative {
      output.appendHead(ItemType.unsigned, magnitude)
    } else if magnitude == 0 {
      output.append(0)
    } else if magnitude <= 1 << 63 {
      output.appendHead(ItemType.negative, magnitude - 1)
    } else {
      return false
    }
    return true
  }

  @inline(__always)
  private mutating func parseIntegerDigits(
    _ bytes: Span<UInt8>, into digits: inout Digits
  ) throws(JSONFault) {
    guard offset < bytes.count else { throw fault(.unexpectedEnd) }
    if bytes[offset] == UInt8(ascii: "0") {
      offset += 1
      if offset < bytes.count, bytes[offset] &- UInt8(ascii: "0") < 10 {
        throw unexpected(bytes[offset], "no digit after a leading 0")
      }
      return
    }
    try parseDigits(bytes, into: &digits)
  }

  /// Reads one or more digits.
  @inline(__always)
  private mutating func parseDigits(
    _ bytes: Span<UInt8>, into digits: inout Digits
  ) throws(JSONFault) {
    guard offset < bytes.count else { throw fault(.unexpectedEnd) }
    guard bytes[offset] &- UInt8(ascii: "0") < 10 else {
      throw unexpected(bytes[offset], "a digit")
    }
    while offset < bytes.count {
      let digit = bytes[offset] &- UInt8(ascii: "0")
      guard digit < 10 else { return }
      digits.append(digit)
      offset += 1
    }
  }

  private mutating func parseExponent(
    _ bytes: Span<UInt8>, into digits: inout Digits
  ) throws(JSONFault) {
    offset += 1
    guard offset < bytes.count else { throw fault(.unexpectedEnd) }
    let sign = bytes[offset]
    if sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { offset += 1 }
    var magnitude = Digits()
    try parseDigits(bytes, into: &magnitude)
    let clamped = magnitude.overflowed ? 1_000_000 : Int(min(magnitude.significand, 1_000_000))
    digits.exponent = sign == UInt8(ascii: "-") ? -clamped : clamped
  }

  /// The nearest double.
  ///
  /// Where significand and power of ten are both exact one operation rounds correctly; otherwise
  /// the standard library does the long work.
  private func double(
    _ digits: Digits, _ negative: Bool, _ start: Int, _ bytes: Span<UInt8>
  ) throws(JSONFault) -> Double {
    let power = digits.exponent - digits.fractionDigits
    if !digits.overflowed, digits.significand <= 1 << 53, abs(power) <= 22 {
      let significand = Double(digits.significand)
      let scale = Self.exactPowers[abs(power)]
      let magnitude = power < 0 ? significand / scale : significand * scale
      return negative ? -magnitude : magnitude
    }
    var text = ""
    for index in start..<offset { text.unicodeScalars.append(UnicodeScalar(bytes[index])) }
    guard let number = Double(text), number.isFinite else {
      throw JSONFault(problem: .numberOutOfRange, offset: start)
    }
    return number
  }
}
