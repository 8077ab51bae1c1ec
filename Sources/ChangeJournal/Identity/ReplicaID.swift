// SPDX-License-Identifier: Apache-2.0

/// Names one replica of a data set: sixteen random bytes chosen when its file was made.
public struct ReplicaID: FixedIdentifier {
  /// Bytes 0 to 7, most significant first.
  public let high: UInt64
  /// Bytes 8 to 15, most significant first.
  public let low: UInt64

  /// Joins two halves.
  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }
}

extension ReplicaID: LosslessStringConvertible {
  /// Thirty-two lowercase hexadecimal digits.
  public var description: String { hexadecimal }

  /// Reads thirty-two lowercase hexadecimal digits; `nil` for anything else.
  public init?(_ description: String) {
    self.init(hexadecimal: description)
  }
}
