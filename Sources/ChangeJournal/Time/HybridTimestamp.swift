// SPDX-License-Identifier: Apache-2.0

/// A hybrid logical time: 48 bits of milliseconds since 1970, then 16 bits of counter.
public struct HybridTimestamp: RawRepresentable, Hashable, Comparable, Sendable, BitwiseCopyable {
  /// Both parts as one number, which is also how they are written and ordered.
  public let rawValue: UInt64

  /// Wraps both parts as one number.
  public init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// Joins milliseconds since 1970 (those beyond 48 bits become the largest) and a counter.
  public init(milliseconds: UInt64, counter: UInt16 = 0) {
    let bounded = min(milliseconds, Self.largestMilliseconds)
    self.init(rawValue: bounded << 16 | UInt64(counter))
  }

  /// The last millisecond that fits: in the year 10889.
  public static let largestMilliseconds: UInt64 = (1 << 48) - 1

  /// Milliseconds since 1970.
  public var milliseconds: UInt64 { rawValue >> 16 }

  /// Distinguishes and orders timestamps of one millisecond.
  public var counter: UInt16 { UInt16(truncatingIfNeeded: rawValue) }

  /// Orders by time, then counter.
  public static func < (left: HybridTimestamp, right: HybridTimestamp) -> Bool {
    left.rawValue < right.rawValue
  }
}
