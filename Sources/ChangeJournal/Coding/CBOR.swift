// SPDX-License-Identifier: Apache-2.0

/// The initial bytes of CBOR (RFC 8949, section 3) that this format uses.
enum CBOR {
  /// The upper three bits of an initial byte.
  enum MajorType: UInt8 {
    case unsigned, negative, bytes, text, array, map, tag, simple
  }

  static let `false`: UInt8 = 0xf4
  static let `true`: UInt8 = 0xf5
  static let null: UInt8 = 0xf6
  static let undefined: UInt8 = 0xf7
  static let half: UInt8 = 0xf9
  static let single: UInt8 = 0xfa
  static let double: UInt8 = 0xfb

  /// The tag of a byte string that is a UUID (IANA registry of CBOR tags).
  static let uuidTag: UInt64 = 37
}

/// The 16-bit floating-point format, by bits: not every platform has the type.
enum HalfPrecision {
  /// The bits of a finite number, or `nil` when 16 bits cannot hold it exactly.
  static func bits(of number: Float) -> UInt16? {
    let bits = number.bitPattern
    let sign = UInt16(truncatingIfNeeded: bits >> 16) & 0x8000
    let exponent = Int(bits >> 23 & 0xff) - 127
    let fraction = bits & 0x7f_ffff
    switch exponent {
    case -127:
      return fraction == 0 ? sign : nil
    case -24 ..< -14:
      let whole = fraction | 0x80_0000
      let shift = UInt32(-1 - exponent)
      guard whole & (1 << shift - 1) == 0 else { return nil }
      return sign | UInt16(truncatingIfNeeded: whole >> shift)
    case -14...15:
      guard fraction & 0x1fff == 0 else { return nil }
      return sign | UInt16(exponent + 15) << 10 | UInt16(truncatingIfNeeded: fraction >> 13)
    default:
      return nil
    }
  }

  /// The number that 16 bits hold; infinities and not-a-numbers included.
  static func number(_ bits: UInt16) -> Double {
    let exponent = Int(bits >> 10 & 0x1f)
    let fraction = Double(bits & 0x3ff)
    let magnitude: Double =
      switch exponent {
      case 0: fraction / 16_777_216
      case 31: fraction == 0 ? .infinity : .nan
      default: Double(sign: .plus, exponent: exponent - 15, significand: 1 + fraction / 1024)
      }
    return bits & 0x8000 == 0 ? magnitude : -magnitude
  }
}
