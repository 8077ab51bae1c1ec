// SPDX-License-Identifier: Apache-2.0

/// What a field of a record can hold.
///
/// Equality is that of the deterministic encoding: texts by bytes, doubles by bits (−0.0 is not
/// 0.0), an integer never equals a double.
public enum Value: Sendable {
  /// Present, and nothing.
  case null
  /// True or false.
  case bool(Bool)
  /// A whole number.
  case integer(Int64)
  /// A whole number above `Int64.max`. `init(_:UInt64)` chooses between the two.
  case unsigned(UInt64)
  /// A finite number with a binary fraction.
  case double(Double)
  /// Unicode text.
  case text(String)
  /// Bytes.
  case bytes([UInt8])
  /// Values in order.
  case array([Value])
  /// Values by name.
  case map(ValueMap)

  /// A whole number in its canonical case.
  public init(_ number: UInt64) {
    self = Int64(exactly: number).map(Value.integer) ?? .unsigned(number)
  }
}

extension Value: Hashable {
  /// Whether the encodings of two values are the same bytes.
  public static func == (left: Value, right: Value) -> Bool {
    switch (left, right) {
    case (.null, .null): true
    case (.bool(let one), .bool(let two)): one == two
    case (.integer(let one), .integer(let two)): one == two
    case (.unsigned(let one), .unsigned(let two)): one == two
    case (.integer(let one), .unsigned(let two)), (.unsigned(let two), .integer(let one)):
      UInt64(exactly: one) == two
    case (.double(let one), .double(let two)): one.bitPattern == two.bitPattern
    case (.text(let one), .text(let two)): ByteOrder.equal(one, two)
    case (.bytes(let one), .bytes(let two)): one == two
    case (.array(let one), .array(let two)): one == two
    case (.map(let one), .map(let two)): one == two
    default: false
    }
  }

  /// Feeds what equality compares.
  public func hash(into hasher: inout Hasher) {
    switch self {
    case .null: hasher.combine(0)
    case .bool(let bool): hasher.combine(bool)
    case .integer(let number): hasher.combine(UInt64(bitPattern: number))
    case .unsigned(let number): hasher.combine(number)
    case .double(let number): hasher.combine(number.bitPattern)
    case .text(let text): hasher.combine(text)
    case .bytes(let bytes): hasher.combine(bytes)
    case .array(let values): hasher.combine(values)
    case .map(let map): hasher.combine(map)
    }
  }
}
