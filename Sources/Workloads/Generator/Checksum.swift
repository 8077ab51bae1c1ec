// SPDX-License-Identifier: Apache-2.0

/// What was read, so that no engine is measured that reads something else, or nothing.
public struct Checksum: Equatable, Sendable {
  /// How many values were read.
  public var count: Int { readCount }
  @usableFromInline var readCount = 0
  /// The sum of their marks, modulo 2⁶⁴.
  @usableFromInline var sum: UInt64 = 0

  /// Nothing read.
  public init() {}

  /// Adds a value that was read, by its mark.
  @inlinable
  public mutating func add(_ mark: UInt64) {
    readCount += 1
    sum &+= mark
  }

  /// Adds a value that was read.
  @inlinable
  public mutating func add(value: Span<UInt8>) {
    add(Self.mark(value))
  }

  /// What was read by both.
  public static func + (left: Checksum, right: Checksum) -> Checksum {
    var whole = left
    whole.readCount += right.readCount
    whole.sum &+= right.sum
    return whole
  }

  /// The mark of a value that begins at `start`.
  static func mark(_ bytes: [UInt8], from start: Int) -> UInt64 {
    let span = bytes.span
    return mark(span.extracting(droppingFirst: start))
  }

  /// The mark of a value: its first eight bytes, little endian.
  @inlinable
  static func mark(_ value: Span<UInt8>) -> UInt64 {
    if value.count >= 8 {
      let bytes = unsafe value.bytes
      // Loaded as one number, as the other engines' values are.
      return UInt64(littleEndian: unsafe bytes.unsafeLoadUnaligned(as: UInt64.self))
    }
    var mark: UInt64 = 0
    for index in value.indices.reversed() { mark = mark << 8 | UInt64(value[index]) }
    return mark
  }
}
