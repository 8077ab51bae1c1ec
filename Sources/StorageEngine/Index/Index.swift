// SPDX-License-Identifier: Apache-2.0

/// An ordered index from keys to values, of types that are checked when it is looked up.
public struct Index<Key: IndexElement, Value: IndexElement>: Sendable {
  /// What it is called.
  public let name: String
  /// How many values a key has.
  public let mode: IndexMode
  let tree: TreeID
}

extension Index {
  /// The key and the value of the tree's entry for a key and one of its values.
  func entry(_ value: Value, forKey key: Key) -> (key: [UInt8], value: [UInt8]) {
    var entry = IndexTree.prefix(key)
    var stored: [UInt8] = []
    if mode == .cluster { value.encode(into: &entry) } else { value.encode(into: &stored) }
    return (entry, stored)
  }
}

/// What a store says of an index.
public struct IndexInfo: Sendable, Equatable {
  /// What it is called.
  public let name: String
  /// How many values a key has.
  public let mode: IndexMode
  /// What it has as keys.
  public let keys: IndexType
  /// What it has as values.
  public let values: IndexType
}

/// For a key of an exclusive index the one value that a transaction gives it.
struct ExclusiveKey {
  struct Place: Hashable {
    let tree: UInt32
    let key: [UInt8]
  }

  let index: String
  let tree: UInt32
  let key: [UInt8]
  let value: [UInt8]
  /// The value that the transaction has seen and removed before.
  let replaced: [UInt8]?

  var place: Place { Place(tree: tree, key: key) }

  /// The key without the byte that all keys of indexes begin with.
  var userKey: [UInt8] { Array(key.dropFirst()) }
}

/// How an index lies in its tree, as tabled in docs/FORMAT.md, section 1.10.
enum IndexTree {
  /// The entry that describes the index; all others begin with `entryMark`.
  static let headerKey: [UInt8] = [0]
  static let entryMark: UInt8 = 1
  static let version: UInt8 = 1

  static func header(_ mode: IndexMode, _ keys: IndexType, _ values: IndexType) -> [UInt8] {
    [version, mode.rawValue] + keys.encoded + values.encoded
  }

  /// Reads the header; `nil` for what is none.
  static func info(_ header: [UInt8], name: String) -> IndexInfo? {
    guard header.count >= 2, header[0] == version, let mode = IndexMode(rawValue: header[1])
    else { return nil }
    var offset = 2
    guard let keys = IndexType(header, at: &offset), let values = IndexType(header, at: &offset),
      offset == header.count
    else { return nil }
    return IndexInfo(name: name, mode: mode, keys: keys, values: values)
  }

  /// The bytes that every entry of a key begins with.
  static func prefix(_ key: some IndexElement) -> [UInt8] {
    var bytes: [UInt8] = [entryMark]
    key.encode(into: &bytes)
    return bytes
  }

  static let entries = KeyRange.prefix([entryMark])
}

/// From where to where an index is visited.
public struct IndexBounds<Key: IndexElement>: Sendable {
  /// A key where a visit begins or ends.
  public enum Bound: Sendable {
    /// All there is.
    case unbounded
    /// The key and what is beyond it.
    case included(Key)
    /// What is beyond the key.
    case excluded(Key)
  }

  /// Where it begins.
  public var lower: Bound
  /// Where it ends.
  public var upper: Bound

  /// From one bound to another.
  public init(from lower: Bound = .unbounded, to upper: Bound = .unbounded) {
    self.lower = lower
    self.upper = upper
  }

  /// Every key.
  public static var all: IndexBounds { IndexBounds() }

  /// One key.
  public static func only(_ key: Key) -> IndexBounds {
    IndexBounds(from: .included(key), to: .included(key))
  }

  var range: KeyRange {
    var range = IndexTree.entries
    switch lower {
    case .unbounded: break
    case .included(let key): range.lower = IndexTree.prefix(key)
    case .excluded(let key): range.lower = KeyRange.prefix(IndexTree.prefix(key)).upper
    }
    switch upper {
    case .unbounded: break
    case .included(let key): range.upper = KeyRange.prefix(IndexTree.prefix(key)).upper
    case .excluded(let key): range.upper = IndexTree.prefix(key)
    }
    return range
  }
}

extension IndexBounds where Key: Comparable {
  /// The keys of a range.
  public init(_ range: ClosedRange<Key>) {
    self.init(from: .included(range.lowerBound), to: .included(range.upperBound))
  }

  /// The keys of a range.
  public init(_ range: Range<Key>) {
    self.init(from: .included(range.lowerBound), to: .excluded(range.upperBound))
  }

  /// The keys of a range.
  public init(_ range: PartialRangeFrom<Key>) {
    self.init(from: .included(range.lowerBound))
  }

  /// The keys of a range.
  public init(_ range: PartialRangeThrough<Key>) {
    self.init(to: .included(range.upperBound))
  }

  /// The keys of a range.
  public init(_ range: PartialRangeUpTo<Key>) {
    self.init(to: .excluded(range.upperBound))
  }
}
