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
  @inline(__always)
  public mutating func add(value: Span<UInt8>) {
    var mark: UInt64 = 0
    for index in (0..<min(8, value.count)).reversed() { mark = mark << 8 | UInt64(value[index]) }
    add(mark)
  }

  /// What was read by both.
  public static func + (left: Checksum, right: Checksum) -> Checksum {
    var whole = left
    whole.readCount += right.readCount
    whole.sum &+= right.sum
    return whole
  }

  /// The mark of a value that begins at `start`: its first eight bytes, little endian.
  static func mark(_ bytes: [UInt8], from start: Int) -> UInt64 {
    var mark: UInt64 = 0
    for index in (start..<min(start + 8, bytes.count)).reversed() {
      mark = mark << 8 | UInt64(bytes[index])
    }
    return mark
  }
}
