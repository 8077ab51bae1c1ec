// SPDX-License-Identifier: Apache-2.0

/// A hash that is the same in every process.
public enum StateHash {
  /// The hash of a value by its canonical bytes: equal for equal values, whatever the order in which
  /// their dictionaries and sets were filled.
  ///
  /// What cannot be made canonical: a type that hands a set, or a dictionary whose keys are neither
  /// texts nor `Int`, on to its encoder (`try members.encode(to: encoder)`) writes a list, in an
  /// order of its own; it should encode it as a single value. Values that are equal and yet encoded
  /// differently have different hashes: 0.0 and -0.0, texts with the same characters in other
  /// scalars.
  ///
  /// Encodes the whole value.
  ///
  /// - Throws: What the value throws when it is encoded; `BinaryCodingError`.
  public static func hash<Value: Codable>(of value: Value) throws -> UInt64 {
    var bytes: [UInt8] = []
    try BinaryCodec<Value>(isCanonical: true).encode(value, into: &bytes)
    return hash(of: bytes)
  }

  /// The hash of bytes: FNV-1a, mixed once more.
  public static func hash(of bytes: [UInt8]) -> UInt64 {
    var word: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { word = (word ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    return word ^ (word >> 31)
  }
}
