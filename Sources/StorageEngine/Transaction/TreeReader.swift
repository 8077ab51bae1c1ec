// SPDX-License-Identifier: Apache-2.0

/// Names a tree inside one database.
///
/// Never that of another tree that was committed or prepared; while the store is open, of no other at
/// all.
public struct TreeID: Hashable, Comparable, Sendable, BitwiseCopyable {
  /// The number written to disk.
  public let rawValue: UInt32

  /// Wraps a number.
  public init(rawValue: UInt32) {
    self.rawValue = rawValue
  }

  /// Orders by number.
  public static func < (left: TreeID, right: TreeID) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// What a cursor visits: keys from `lower` (included) to `upper` (excluded), in byte order.
public struct KeyRange: Sendable {
  /// The first key that may be visited; `nil` for the very first.
  public var lower: [UInt8]?
  /// The first key beyond the range; `nil` for no end.
  public var upper: [UInt8]?

  /// A range between two keys.
  public init(from lower: [UInt8]? = nil, upTo upper: [UInt8]? = nil) {
    self.lower = lower
    self.upper = upper
  }

  /// Every key.
  public static let all = KeyRange()

  /// Every key that begins with `prefix`.
  public static func prefix(_ prefix: [UInt8]) -> KeyRange {
    var end = prefix
    while let last = end.last {
      if last < .max {
        end[end.count - 1] = last + 1
        return KeyRange(from: prefix, upTo: end)
      }
      end.removeLast()
    }
    return KeyRange(from: prefix)
  }
}

/// A consistent view of all trees: a snapshot, or a write transaction with its own changes.
public protocol TreeReader: AnyObject {
  /// Finds a tree by name.
  func tree(named name: String) throws(EngineError) -> TreeID?

  /// Lists all trees with their names, ordered by name.
  func trees() throws(EngineError) -> [(name: String, tree: TreeID)]

  /// Whether there is a segment of that number, and not a tree of another kind.
  func hasSegment(_ segment: SegmentID) throws(EngineError) -> Bool

  /// Counts the entries of a tree.
  func count(of tree: TreeID) throws(EngineError) -> UInt64

  /// Copies the value of a key, or returns `nil`.
  func value(forKey key: [UInt8], in tree: TreeID) throws(EngineError) -> [UInt8]?

  /// Starts a cursor before the first entry of `range` (after the last one when `reversed`).
  func cursor(in tree: TreeID, range: KeyRange, reversed: Bool) throws(EngineError) -> Cursor
}

extension TreeReader {
  /// Starts a forward cursor.
  public func cursor(in tree: TreeID, range: KeyRange = .all) throws(EngineError) -> Cursor {
    try cursor(in: tree, range: range, reversed: false)
  }
}
