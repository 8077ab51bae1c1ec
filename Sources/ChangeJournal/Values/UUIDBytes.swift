// SPDX-License-Identifier: Apache-2.0

/// The sixteen bytes of a UUID (RFC 9562), without Foundation.
public struct UUIDBytes: FixedIdentifier {
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

extension UUIDBytes: LosslessStringConvertible {
  /// The usual text: lowercase digits in groups of 8, 4, 4, 4 and 12.
  public var description: String {
    var text = Substring(hexadecimal)
    var groups: [Substring] = []
    for length in [8, 4, 4, 4, 12] {
      groups.append(text.prefix(length))
      text = text.dropFirst(length)
    }
    return groups.joined(separator: "-")
  }

  /// Reads the usual text in either case; `nil` for anything else.
  public init?(_ description: String) {
    let groups = description.split(separator: "-", omittingEmptySubsequences: false)
    guard description.utf8.count == 36, groups.map(\.utf8.count) == [8, 4, 4, 4, 12] else {
      return nil
    }
    self.init(hexadecimal: groups.joined().lowercased())
  }
}
