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

  private let keys: [UInt128]
  private let values: [UInt64]

  /// How many entries there are.
  public var count: Int { values.count }

  /// Makes the entries of so many keys.
  public init(keys count: Int) {
    let records = RecordTable(
      0..<UInt64(count), keyBytes: Self.keyBytes, valueBytes: Self.valuesOfKey * Self.valueBytes)
    let (bytes, recordBytes) = (records.bytes, records.recordBytes)
    func number(_ start: Int) -> UInt64 {
      (start..<start + 8).reduce(0) { $0 << 8 | UInt64(bytes[$1]) }
    }
    self.records = records
    keys = (0..<count).map { key in
      UInt128(number(key * recordBytes)) << 64 | UInt128(number(key * recordBytes + 8))
    }
    values = (0..<count * Self.valuesOfKey).map { position in
      let (key, value) = position.quotientAndRemainder(dividingBy: Self.valuesOfKey)
      return number(key * recordBytes + Self.keyBytes + value * Self.valueBytes)
    }
  }

  /// The key of that number.
  public func key(_ number: Int) -> UInt128 { keys[number] }

  /// The value of the entry at a position.
  public func value(_ position: Int) -> UInt64 { values[position] }

  /// What reading the value of the entry at a position adds to a `Checksum`.
  public func mark(_ position: Int) -> UInt64 { Self.mark(of: value(position)) }

  /// What reading a value adds to a `Checksum`: as the bytes of a value do.
  @inlinable
  public static func mark(of value: UInt64) -> UInt64 { value.byteSwapped }
}
