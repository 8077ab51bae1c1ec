// SPDX-License-Identifier: Apache-2.0

/// Names one transaction: its origin and its place in the origin's sequence.
public struct Dot: Hashable, Comparable, Sendable, BitwiseCopyable {
  /// Who wrote it.
  public let origin: Origin
  /// Its place, from 1.
  public let sequence: UInt64

  /// Names a transaction.
  public init(origin: Origin, sequence: UInt64) {
    self.origin = origin
    self.sequence = sequence
  }

  /// Orders by origin, then sequence.
  public static func < (left: Dot, right: Dot) -> Bool {
    (left.origin, left.sequence) < (right.origin, right.sequence)
  }
}

extension Dot: CustomStringConvertible {
  /// Origin and sequence, joined by a colon.
  public var description: String { "\(origin):\(sequence)" }
}
