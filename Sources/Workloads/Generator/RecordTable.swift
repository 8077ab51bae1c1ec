// SPDX-License-Identifier: Apache-2.0

/// Generated records, made before anything is measured: keys and values side by side in one memory.
///
/// A record's bytes are the outputs of its own `SplitMix64`, little endian: first the key, then the
/// value. Any engine in any language can be given the same ones.
public struct RecordTable: Sendable {
  /// How many records there are.
  public let count: Int
  /// Bytes of every key.
  public let keyBytes: Int
  /// Bytes of every value.
  public let valueBytes: Int
  /// Record after record, each its key and its value, with nothing between them.
  public let bytes: [UInt8]

  /// Bytes of a record, key and value.
  public var recordBytes: Int { keyBytes + valueBytes }

  /// Makes the records of those numbers.
  public init(_ numbers: Range<UInt64>, keyBytes: Int = 24, valueBytes: Int = 150) {
    count = numbers.count
    self.keyBytes = keyBytes
    self.valueBytes = valueBytes
    let recordBytes = keyBytes + valueBytes
    bytes = [UInt8](capacity: numbers.count * recordBytes) { bytes in
      for number in numbers {
        var outputs = SplitMix64.record(number)
        var made = 0
        while made < recordBytes {
          var output = outputs.next()
          for _ in 0..<min(8, recordBytes - made) {
            bytes.append(UInt8(truncatingIfNeeded: output))
            output >>= 8
          }
          made += 8
        }
      }
    }
  }

  /// The keys at some positions, in their order, without values.
  public func keys(at positions: [Int32]) -> RecordTable {
    RecordTable(keys: positions, of: self)
  }

  private init(keys positions: [Int32], of table: RecordTable) {
    count = positions.count
    keyBytes = table.keyBytes
    valueBytes = 0
    bytes = [UInt8](capacity: positions.count * table.keyBytes) { bytes in
      for position in positions {
        for byte in table.bytes[table.keyRange(Int(position))] { bytes.append(byte) }
      }
    }
  }

  /// The key of the record at a position.
  public func key(_ position: Int) -> [UInt8] {
    let start = position * recordBytes
    return Array(bytes[start..<start + keyBytes])
  }

  /// Where the key of the record at a position is.
  public func keyRange(_ position: Int) -> Range<Int> {
    let start = position * recordBytes
    return start..<start + keyBytes
  }

  /// The value of the record at a position.
  public func value(_ position: Int) -> [UInt8] {
    let start = position * recordBytes + keyBytes
    return Array(bytes[start..<start + valueBytes])
  }

  /// Where the value of the record at a position is.
  public func valueRange(_ position: Int) -> Range<Int> {
    let start = position * recordBytes + keyBytes
    return start..<start + valueBytes
  }

  /// What reading the value of the record at a position adds to a `Checksum`.
  public func mark(_ position: Int) -> UInt64 {
    Checksum.mark(bytes, from: position * recordBytes + keyBytes)
  }

  /// What reading the values at some positions should come to.
  public func checksum(of positions: some Sequence<Int>) -> Checksum {
    var checksum = Checksum()
    for position in positions { checksum.add(mark(position)) }
    return checksum
  }

  /// All positions in the order of their keys.
  public func sortedPositions() -> [Int32] {
    (0..<Int32(count)).sorted { precedes(Int($0), Int($1)) }
  }

  /// Whether the key at one position is less than that at another.
  private func precedes(_ left: Int, _ right: Int) -> Bool {
    let span = bytes.span
    let (left, right) = (left * recordBytes, right * recordBytes)
    for offset in 0..<keyBytes where span[left + offset] != span[right + offset] {
      return span[left + offset] < span[right + offset]
    }
    return false
  }

  /// Whether the generator makes what its description says: FNV-1a 64 over the first 1000 records.
  public static var isFaithful: Bool {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in RecordTable(0..<1000).bytes {
      hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
    }
    return hash == 0x77BE_32E3_34C2_14B4
  }
}
