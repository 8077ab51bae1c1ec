// SPDX-License-Identifier: Apache-2.0

/// How the records of a segment lie in its tree, as tabled in docs/FORMAT.md, section 1.9.
enum SegmentTree {
  /// The entry that no record has: below which number all are taken.
  static let boundKey: [UInt8] = [0]
  /// A key that no entry has.
  static let absentKey: [UInt8] = [1]
  static let numberBytes = 8

  /// All records.
  static let records = KeyRange(from: key(1))

  /// The key of a record: its number, most significant byte first.
  static func key(_ number: UInt64) -> [UInt8] {
    (0..<numberBytes).map { UInt8(truncatingIfNeeded: number >> UInt64(56 - 8 * $0)) }
  }

  /// The value of `boundKey`.
  static func bound(_ number: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendInteger(number)
    return bytes
  }

  /// The bound that a value means; `nil` for what is none.
  static func bound(_ value: [UInt8]) -> UInt64? {
    value.count == 8 ? value.withBytes { $0.load(0, as: UInt64.self) } : nil
  }

  /// The number that a key means; `nil` for what is none.
  static func number(_ key: [UInt8]) -> UInt64? {
    guard key.count == numberBytes else { return nil }
    return key.reduce(0) { $0 << 8 | UInt64($1) }
  }
}

/// Gives out the numbers of new records, also to transactions that are open side by side.
///
/// A number is never given to another record that was committed or prepared; while the store is open,
/// never twice at all, not even when its transaction came to nothing. Each segment holds a bound
/// above every number of a transaction that was committed or prepared, and after opening the numbers
/// go on from there. The bound is raised by many at a time, so that few commits write it.
final class RecordNumbers: @unchecked Sendable {
  private struct Numbers {
    var next: UInt64
    /// The bound that is stored.
    var bound: UInt64
  }

  private static let step: UInt64 = 256

  private let lock = Lock()
  private var segments: [UInt32: Numbers] = [:]

  /// Takes the next number; `readBound` is asked once for each segment.
  func take(
    _ segment: UInt32, readBound: () throws(EngineError) -> UInt64
  ) throws(EngineError) -> UInt64? {
    try lock.withLock { () throws(EngineError) in
      var numbers: Numbers
      if let known = segments[segment] {
        numbers = known
      } else {
        let bound = try readBound()
        numbers = Numbers(next: max(1, bound), bound: bound)
      }
      guard numbers.next < .max - Self.step else { return nil }
      let number = numbers.next
      numbers.next += 1
      segments[segment] = numbers
      return number
    }
  }

  /// The bound to store before a record with `number` may be committed; `nil` when the one that is
  /// stored is high enough.
  func boundNeeded(_ segment: UInt32, for number: UInt64) -> UInt64? {
    lock.withLock {
      guard let numbers = segments[segment], number >= numbers.bound else { return nil }
      return numbers.next + Self.step
    }
  }

  /// Notes a bound that is part of a commit.
  func noteStored(_ segment: UInt32, bound: UInt64) {
    lock.withLock { segments[segment]?.bound = bound }
  }
}

extension WriteTransaction {
  /// Adds the bounds of record numbers that the transaction needs; returns them.
  ///
  /// Call under the writer lock.
  func storeRecordBounds() throws(EngineError) -> [(segment: UInt32, bound: UInt64)] {
    var bounds: [(segment: UInt32, bound: UInt64)] = []
    for (segment, number) in recordNumbers.sorted(by: { $0.key < $1.key }) {
      guard let bound = database.recordNumbers.boundNeeded(segment, for: number) else { continue }
      try put(
        SegmentTree.bound(bound), forKey: SegmentTree.boundKey, in: TreeID(rawValue: segment))
      bounds.append((segment, bound))
    }
    return bounds
  }
}
