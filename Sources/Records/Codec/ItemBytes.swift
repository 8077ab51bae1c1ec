// SPDX-License-Identifier: Apache-2.0

/// The major types of CBOR (RFC 8949, section 3.1) and the simple values this format uses.
///
/// Records are parsed from text straight into deterministic CBOR and printed straight from it:
/// between a file and a tree no tree of values is built.
enum ItemType {
  static let unsigned: UInt8 = 0
  static let negative: UInt8 = 1
  static let bytes: UInt8 = 2
  static let text: UInt8 = 3
  static let array: UInt8 = 4
  static let map: UInt8 = 5
  static let simple: UInt8 = 7

  static let falseByte: UInt8 = 0xf4
  static let trueByte: UInt8 = 0xf5
  static let nullByte: UInt8 = 0xf6
  static let undefinedByte: UInt8 = 0xf7
  static let halfByte: UInt8 = 0xf9
  static let singleByte: UInt8 = 0xfa
  static let doubleByte: UInt8 = 0xfb
}

/// Appends CBOR items in their deterministic form (RFC 8949, section 4.2).
extension Array where Element == UInt8 {
  /// Appends an item's type and argument, in the shortest form.
  @inline(__always)
  mutating func appendHead(_ type: UInt8, _ argument: UInt64) {
    if argument < 24 {
      append(type << 5 | UInt8(truncatingIfNeeded: argument))
    } else {
      appendLongHead(type, argument)
    }
  }

  @inline(never)
  private mutating func appendLongHead(_ type: UInt8, _ argument: UInt64) {
    if argument <= UInt64(UInt8.max) {
      append(type << 5 | 24)
      append(UInt8(truncatingIfNeeded: argument))
    } else if argument <= UInt64(UInt16.max) {
      append(type << 5 | 25)
      appendBigEndian(argument, bytes: 2)
    } else if argument <= UInt64(UInt32.max) {
      append(type << 5 | 26)
      appendBigEndian(argument, bytes: 4)
    } else {
      append(type << 5 | 27)
      appendBigEndian(argument, bytes: 8)
    }
  }

  /// Appends the low `bytes` bytes of a number, highest first.
  mutating func appendBigEndian(_ number: UInt64, bytes: Int) {
    var shift = (bytes - 1) * 8
    while shift >= 0 {
      append(UInt8(truncatingIfNeeded: number >> UInt64(shift)))
      shift -= 8
    }
  }

  /// Appends a signed integer.
  @inline(__always)
  mutating func appendInteger(_ number: Int64) {
    if number >= 0 {
      appendHead(ItemType.unsigned, UInt64(bitPattern: number))
    } else {
      appendHead(ItemType.negative, ~UInt64(bitPattern: number))
    }
  }

  /// Appends a finite double as the shortest float that keeps its value.
  mutating func appendDouble(_ number: Double) {
    let single = Float(number)
    guard Double(single) == number else {
      append(ItemType.doubleByte)
      appendBigEndian(number.bitPattern, bytes: 8)
      return
    }
    if let half = HalfFloat.bits(of: single) {
      append(ItemType.halfByte)
      appendBigEndian(UInt64(half), bytes: 2)
    } else {
      append(ItemType.singleByte)
      appendBigEndian(UInt64(single.bitPattern), bytes: 4)
    }
  }

  /// Appends a text item.
  mutating func appendText(_ text: String) {
    var text = text
    text.makeContiguousUTF8()
    let utf8 = text.utf8
    appendHead(ItemType.text, UInt64(utf8.count))
    append(contentsOf: utf8)
  }

  /// Replaces the one-byte head at `position`, written before the count was known.
  mutating func setHead(at position: Int, _ type: UInt8, count: Int) {
    if count < 24 {
      self[position] = type << 5 | UInt8(truncatingIfNeeded: count)
      return
    }
    var head: [UInt8] = []
    head.appendHead(type, UInt64(count))
    replaceSubrange(position...position, with: head)
  }
}

/// Half-precision floats (IEEE 754 binary16), by bits: `Float16` is not on every platform.
enum HalfFloat {
  /// The bits of the half float equal to `single`, or `nil` when there is none.
  static func bits(of single: Float) -> UInt16? {
    let bits = single.bitPattern
    let sign = UInt16(truncatingIfNeeded: bits >> 16) & 0x8000
    let exponent = Int(bits >> 23 & 0xff) - 127
    let fraction = bits & 0x7f_ffff
    if bits & 0x7fff_ffff == 0 { return sign }
    if exponent >= -14, exponent <= 15 {
      guard fraction & 0x1fff == 0 else { return nil }
      return sign | UInt16(exponent + 15) << 10 | UInt16(fraction >> 13)
    }
    guard exponent >= -24, exponent < -14 else { return nil }
    // Subnormal: the implicit bit is written out and shifted down.
    let shift = UInt32(-exponent - 1)
    let whole = fraction | 0x80_0000
    guard whole & (1 << shift - 1) == 0 else { return nil }
    return sign | UInt16(whole >> shift)
  }

  /// The value of half-float bits.
  static func value(of half: UInt16) -> Double {
    let magnitude = Double(half & 0x3ff)
    let exponent = Int(half >> 10 & 0x1f)
    let value: Double =
      switch exponent {
      case 0: magnitude * 0x1p-24
      case 31: magnitude == 0 ? .infinity : .nan
      default: (magnitude + 1024) * Double(sign: .plus, exponent: exponent - 25, significand: 1)
      }
    return half & 0x8000 == 0 ? value : -value
  }
}
