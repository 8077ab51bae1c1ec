// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

/// Names, inside a record, the transaction that wrote something: its timestamp, then the tag of
/// its origin and its sequence.
struct Stamp: Equatable, Comparable, BitwiseCopyable {
  let timestamp: UInt64
  let tag: UInt64
  let sequence: UInt64

  /// Appends the three numbers of the stamp.
  @inline(__always)
  func write(to bytes: inout [UInt8]) {
    bytes.appendHead(ItemType.unsigned, tag)
    bytes.appendHead(ItemType.unsigned, sequence)
    bytes.appendHead(ItemType.unsigned, timestamp)
  }

  /// Orders by time, then origin, then sequence: the last one is the one that is seen.
  static func < (left: Stamp, right: Stamp) -> Bool {
    (left.timestamp, left.tag, left.sequence) < (right.timestamp, right.tag, right.sequence)
  }
}

/// Which earlier writes a transaction has seen, and so replaces.
struct Coverage {
  /// The stamp of the transaction.
  let stamp: Stamp
  /// For each origin's tag the last sequence that was seen; `nil` for a transaction that has
  /// seen everything there is, as local ones have.
  private let seen: [UInt64: UInt64]?

  /// A transaction that has seen everything.
  init(local stamp: Stamp) {
    self.stamp = stamp
    seen = nil
  }

  /// A transaction that has seen what it depends on, and its own origin up to itself.
  init(_ stamp: Stamp, dependencies: [(tag: UInt64, sequence: UInt64)]) {
    self.stamp = stamp
    var seen: [UInt64: UInt64] = [stamp.tag: stamp.sequence]
    for (tag, sequence) in dependencies {
      seen[tag] = max(sequence, seen[tag] ?? 0)
    }
    self.seen = seen
  }

  /// Whether the transaction replaces what `other` wrote.
  ///
  /// Its own stamp counts: of several operations on one record the last one holds.
  @inline(__always)
  func covers(_ other: Stamp) -> Bool {
    guard let seen else { return true }
    return other.sequence <= seen[other.tag] ?? 0
  }
}
