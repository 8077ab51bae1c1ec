// SPDX-License-Identifier: Apache-2.0

/// Sixteen bytes that name something: the shape that `ReplicaID`, `StoreID` and `UUIDBytes` share.
///
/// The bytes are held as two big-endian halves, so that comparing two identifiers as numbers
/// orders them by bytes.
public protocol FixedIdentifier: Hashable, Comparable, Sendable, BitwiseCopyable {
  /// Bytes 0 to 7, most significant first.
  var high: UInt64 { get }
  /// Bytes 8 to 15, most significant first.
  var low: UInt64 { get }
  /// Joins two halves.
  init(high: UInt64, low: UInt64)
}

extension FixedIdentifier {
  /// How many bytes an identifier has.
  public static var byteCount: Int { 16 }

  /// Takes exactly sixteen bytes; `nil` for any other number of them.
  public init?(bytes: some Collection<UInt8>) {
    let bytes = ArraySlice(bytes)
    guard bytes.count == Self.byteCount else { return nil }
    self.init(high: bytes.bigEndianWord(at: 0), low: bytes.bigEndianWord(at: 8))
  }

  /// The sixteen bytes.
  public var bytes: [UInt8] { [UInt8](bigEndian: [high, low]) }

  /// Orders by bytes.
  public static func < (left: Self, right: Self) -> Bool {
    (left.high, left.low) < (right.high, right.low)
  }
}

extension FixedIdentifier {
  /// Thirty-two lowercase hexadecimal digits.
  var hexadecimal: String { Hexadecimal.text(high) + Hexadecimal.text(low) }

  /// Reads thirty-two lowercase hexadecimal digits.
  init?(hexadecimal text: some StringProtocol) {
    let digits = Substring(text).utf8
    guard digits.count == 32, let high = Hexadecimal.number(Substring(digits.prefix(16)).utf8),
      let low = Hexadecimal.number(Substring(digits.dropFirst(16)).utf8)
    else { return nil }
    self.init(high: high, low: low)
  }
}
