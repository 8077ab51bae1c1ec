// SPDX-License-Identifier: Apache-2.0

/// Generated entries of an index: keys of 16 bytes, each with ten values of 8 bytes.
///
/// Entry `position` is value `position % 10` of key `position / 10`. Keys and values are unsigned
/// numbers, big endian: their bytes have the order of the numbers.
public struct EntryTable: Sendable {
  /// How many values a key has.
  public static let valuesOfKey = 10
  /// Bytes of a key.
  public static let keyBytes = 16
  /// Bytes of a value.
  public static let valueBytes = 8
  /// A record for each key, its value all values of the key.
  public let records: RecordTable

  /// How many entries there are.
  public var count: Int { records.count * Self.valuesOfKey }

  /// Makes the entries of so many keys.
  public init(keys: Int) {
    records = RecordTable(
      0..<UInt64(keys), keyBytes: Self.keyBytes, valueBytes: Self.valuesOfKey * Self.valueBytes)
  }

  /// The key of that number.
  public func key(_ number: Int) -> UInt128 {
    UInt128(bigEndianBytes(number * records.recordBytes)) << 64
      | UInt128(bigEndianBytes(number * records.recordBytes + 8))
  }

  /// The value of the entry at a position.
  public func value(_ position: Int) -> UInt64 { bigEndianBytes(Self.start(position, records)) }

  /// What reading the value of the entry at a position adds to a `Checksum`.
  public func mark(_ position: Int) -> UInt64 { Self.mark(of: value(position)) }

  /// What reading a value adds to a `Checksum`: as the bytes of a value do.
  @inlinable
  public static func mark(of value: UInt64) -> UInt64 { value.byteSwapped }

  private static func start(_ position: Int, _ records: RecordTable) -> Int {
    position / valuesOfKey * records.recordBytes + keyBytes + position % valuesOfKey * valueBytes
  }

  private func bigEndianBytes(_ start: Int) -> UInt64 {
    let span = records.bytes.span
    var number: UInt64 = 0
    for offset in start..<start + 8 { number = number << 8 | UInt64(span[offset]) }
    return number
  }
}
