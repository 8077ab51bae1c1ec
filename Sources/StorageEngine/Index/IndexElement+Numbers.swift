// SPDX-License-Identifier: Apache-2.0

// Numbers have as many bytes as in memory, the most significant first. Signed ones have their sign
// bit turned over; floating-point numbers are ordered as IEEE 754's totalOrder: the sign bit turned
// over, and all others too where it was set.

extension IndexElement where Self: FixedWidthInteger & UnsignedInteger {
  /// Appends the bytes of the value.
  public func encode(into bytes: inout [UInt8]) { bytes.appendBigEndian(self) }

  /// Reads a value.
  public init(decoding decoder: inout IndexDecoder) throws(IndexDecoder.Malformed) {
    self = try decoder.takeBigEndian()
  }
}

extension IndexElement where Self: FixedWidthInteger & SignedInteger {
  /// Appends the bytes of the value.
  public func encode(into bytes: inout [UInt8]) { bytes.appendBigEndian(self ^ Self.min) }

  /// Reads a value.
  public init(decoding decoder: inout IndexDecoder) throws(IndexDecoder.Malformed) {
    self = try decoder.takeBigEndian() ^ Self.min
  }
}

extension UInt8: IndexElement {
  /// `.uint8`.
  public static var indexType: IndexType { .uint8 }
}
extension UInt16: IndexElement {
  /// `.uint16`.
  public static var indexType: IndexType { .uint16 }
}
extension UInt32: IndexElement {
  /// `.uint32`.
  public static var indexType: IndexType { .uint32 }
}
extension UInt64: IndexElement {
  /// `.uint64`.
  public static var indexType: IndexType { .uint64 }
}
extension UInt128: IndexElement {
  /// `.uint128`.
  public static var indexType: IndexType { .uint128 }
}
extension Int8: IndexElement {
  /// `.int8`.
  public static var indexType: IndexType { .int8 }
}
extension Int16: IndexElement {
  /// `.int16`.
  public static var indexType: IndexType { .int16 }
}
extension Int32: IndexElement {
  /// `.int32`.
  public static var indexType: IndexType { .int32 }
}
extension Int64: IndexElement {
  /// `.int64`.
  public static var indexType: IndexType { .int64 }
}
extension Int: IndexElement {
  /// `.int64`.
  public static var indexType: IndexType { .int64 }

  /// Appends the bytes of the value.
  public func encode(into bytes: inout [UInt8]) { Int64(self).encode(into: &bytes) }

  /// Reads a value.
  public init(decoding decoder: inout IndexDecoder) throws(IndexDecoder.Malformed) {
    guard let value = Int(exactly: try Int64(decoding: &decoder)) else {
      throw decoder.malformed()
    }
    self = value
  }
}
extension Int128: IndexElement {
  /// `.int128`.
  public static var indexType: IndexType { .int128 }
}

/// Ordered by the sign, and then by the size: −0.0 and 0.0, which are equal, are two different keys,
/// and −0.0 is the smaller. NaNs lie at both ends, each bit pattern a key.
extension Float: IndexElement {
  /// `.float`.
  public static var indexType: IndexType { .float }

  /// Appends the bytes of the value.
  public func encode(into bytes: inout [UInt8]) {
    bytes.appendBigEndian(bitPattern >> 31 == 0 ? bitPattern ^ 1 << 31 : ~bitPattern)
  }

  /// Reads a value.
  public init(decoding decoder: inout IndexDecoder) throws(IndexDecoder.Malformed) {
    let bits = try decoder.takeBigEndian(UInt32.self)
    self.init(bitPattern: bits >> 31 == 1 ? bits ^ 1 << 31 : ~bits)
  }
}

/// Ordered by the sign, and then by the size: −0.0 and 0.0, which are equal, are two different keys,
/// and −0.0 is the smaller. NaNs lie at both ends, each bit pattern a key.
extension Double: IndexElement {
  /// `.double`.
  public static var indexType: IndexType { .double }

  /// Appends the bytes of the value.
  public func encode(into bytes: inout [UInt8]) {
    bytes.appendBigEndian(bitPattern >> 63 == 0 ? bitPattern ^ 1 << 63 : ~bitPattern)
  }

  /// Reads a value.
  public init(decoding decoder: inout IndexDecoder) throws(IndexDecoder.Malformed) {
    let bits = try decoder.takeBigEndian(UInt64.self)
    self.init(bitPattern: bits >> 63 == 1 ? bits ^ 1 << 63 : ~bits)
  }
}
