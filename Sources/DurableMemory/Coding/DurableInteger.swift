// SPDX-License-Identifier: Apache-2.0

/// An integer as a durable type: the most significant byte first, and the sign bit of a signed one
/// turned over, so that the bytes order like the numbers.
public protocol DurableInteger: DurableCodable, FixedWidthInteger, BitwiseCopyable {
  /// What is added to a number before it is written: the sign bit.
  static var durableBias: Self { get }
}

extension DurableInteger {
  /// Nothing for unsigned numbers, the sign bit for signed ones.
  @inlinable public static var durableBias: Self {
    Self.isSigned ? 1 &<< Self(truncatingIfNeeded: Self.bitWidth &- 1) : 0
  }

  /// The bytes of the integer.
  @inlinable public static var durableWidth: Int? { Self.bitWidth / 8 }

  /// The bytes of the integer.
  @inlinable public var durableByteCount: Int { Self.bitWidth / 8 }

  /// Writes the bytes.
  @inlinable
  public func encode(into writer: inout DurableWriter) {
    writer.write(bigEndian: self ^ Self.durableBias)
  }

  /// Reads the bytes.
  ///
  /// - Throws: when they are not as many as the integer has.
  @inlinable
  public init(decoding bytes: Span<UInt8>) throws(DurableDecodingError) {
    guard bytes.count == Self.bitWidth / 8 else {
      throw .length(bytes.count, expected: Self.bitWidth / 8)
    }
    self = bytes.load(bigEndian: Self.self, at: 0) ^ Self.durableBias
  }

  /// Lends the bytes.
  @inlinable
  @inline(__always)
  public func withDurableBytes<R>(_ body: (Span<UInt8>) -> R) -> R {
    Scratch.lend(bigEndian: self ^ Self.durableBias, body)
  }
}

extension UInt8: DurableInteger {
  /// `uint8`.
  @inlinable public static var durableType: String { "uint8" }
}

extension UInt16: DurableInteger {
  /// `uint16`.
  @inlinable public static var durableType: String { "uint16" }
}

extension UInt32: DurableInteger {
  /// `uint32`.
  @inlinable public static var durableType: String { "uint32" }
}

extension UInt64: DurableInteger {
  /// `uint64`.
  @inlinable public static var durableType: String { "uint64" }
}

extension UInt128: DurableInteger {
  /// `uint128`.
  @inlinable public static var durableType: String { "uint128" }
}

extension UInt: DurableInteger {
  /// `uint64`, as on every machine that has 64 bits.
  @inlinable public static var durableType: String { "uint64" }
}

extension Int8: DurableInteger {
  /// `int8`.
  @inlinable public static var durableType: String { "int8" }
}

extension Int16: DurableInteger {
  /// `int16`.
  @inlinable public static var durableType: String { "int16" }
}

extension Int32: DurableInteger {
  /// `int32`.
  @inlinable public static var durableType: String { "int32" }
}

extension Int64: DurableInteger {
  /// `int64`.
  @inlinable public static var durableType: String { "int64" }
}

extension Int128: DurableInteger {
  /// `int128`.
  @inlinable public static var durableType: String { "int128" }
}

extension Int: DurableInteger {
  /// `int64`, as on every machine that has 64 bits.
  @inlinable public static var durableType: String { "int64" }
}
