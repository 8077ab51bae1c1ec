// SPDX-License-Identifier: Apache-2.0

public import StorageEngine

extension Bool: DurableCodable {
  /// `bool`.
  @inlinable public static var durableType: String { "bool" }
  /// One byte.
  @inlinable public static var durableWidth: Int? { 1 }
  /// One byte.
  @inlinable public var durableByteCount: Int { 1 }

  /// Writes 0 or 1.
  @inlinable
  public func encode(into writer: inout DurableWriter) {
    writer.write(self ? 1 : 0)
  }

  /// Reads 0 or 1.
  ///
  /// - Throws: for anything else.
  @inlinable
  public init(decoding bytes: Span<UInt8>) throws(DurableDecodingError) {
    guard bytes.count == 1 else { throw .length(bytes.count, expected: 1) }
    guard bytes[0] < 2 else { throw DurableDecodingError("neither true nor false") }
    self = bytes[0] == 1
  }
}

extension Float: DurableCodable {
  /// `float`.
  @inlinable public static var durableType: String { "float" }
  /// Four bytes.
  @inlinable public static var durableWidth: Int? { 4 }
  /// Four bytes.
  @inlinable public var durableByteCount: Int { 4 }

  /// Writes the bits, whatever they mean.
  @inlinable
  public func encode(into writer: inout DurableWriter) {
    writer.write(bigEndian: bitPattern)
  }

  /// Reads the bits.
  ///
  /// - Throws: when they are not four bytes.
  @inlinable
  public init(decoding bytes: Span<UInt8>) throws(DurableDecodingError) {
    self.init(bitPattern: try UInt32(decoding: bytes))
  }
}

extension Double: DurableCodable {
  /// `double`.
  @inlinable public static var durableType: String { "double" }
  /// Eight bytes.
  @inlinable public static var durableWidth: Int? { 8 }
  /// Eight bytes.
  @inlinable public var durableByteCount: Int { 8 }

  /// Writes the bits, whatever they mean.
  @inlinable
  public func encode(into writer: inout DurableWriter) {
    writer.write(bigEndian: bitPattern)
  }

  /// Reads the bits.
  ///
  /// - Throws: when they are not eight bytes.
  @inlinable
  public init(decoding bytes: Span<UInt8>) throws(DurableDecodingError) {
    self.init(bitPattern: try UInt64(decoding: bytes))
  }
}

extension UUIDElement: DurableCodable {
  /// `uuid`.
  @inlinable public static var durableType: String { "uuid" }
  /// Sixteen bytes.
  @inlinable public static var durableWidth: Int? { 16 }
  /// Sixteen bytes.
  @inlinable public var durableByteCount: Int { 16 }

  /// Writes the sixteen bytes.
  @inlinable
  public func encode(into writer: inout DurableWriter) {
    writer.write(bigEndian: rawValue)
  }

  /// Reads sixteen bytes.
  ///
  /// - Throws: when they are not sixteen.
  @inlinable
  public init(decoding bytes: Span<UInt8>) throws(DurableDecodingError) {
    self.init(rawValue: try UInt128(decoding: bytes))
  }
}

extension [UInt8]: DurableCodable {
  /// `bytes`.
  @inlinable public static var durableType: String { "bytes" }
  /// As many as there are.
  @inlinable public var durableByteCount: Int { count }

  /// Writes them as they are.
  @inlinable
  public func encode(into writer: inout DurableWriter) {
    let bytes = span
    writer.write(bytes)
  }

  /// Copies the bytes.
  @inlinable
  public init(decoding bytes: Span<UInt8>) throws(DurableDecodingError) {
    self = bytes.array
  }

  /// Lends the bytes of the array.
  @inlinable
  @inline(__always)
  public func withDurableBytes<R>(_ body: (Span<UInt8>) -> R) -> R {
    let bytes = span
    return body(bytes)
  }
}

/// Looks for bytes by a part of an array.
extension ArraySlice<UInt8>: DurableCodable {
  /// An array.
  public typealias DurableForm = [UInt8]
  /// `bytes`.
  @inlinable public static var durableType: String { "bytes" }
  /// As many as there are.
  @inlinable public var durableByteCount: Int { count }

  /// Writes them as they are.
  @inlinable
  public func encode(into writer: inout DurableWriter) {
    let bytes = span
    writer.write(bytes)
  }

  /// Copies the bytes.
  @inlinable
  public init(decoding bytes: Span<UInt8>) throws(DurableDecodingError) {
    self = bytes.array[...]
  }
}
