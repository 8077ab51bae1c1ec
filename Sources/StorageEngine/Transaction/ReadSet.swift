// SPDX-License-Identifier: Apache-2.0

/// What a transaction has read: keys one by one, and ranges.
///
/// The names of trees count as keys of a tree of their own.
final class ReadSet {
  /// The number of that tree, which no other has.
  static let namesTree: UInt32 = 0

  struct Range {
    let tree: UInt32
    let keys: KeyRange
  }

  /// Bytes of keys, and ranges, above which whole trees count as read instead.
  private static let mostBytes = 16 << 20
  private static let mostRanges = 4096

  /// The keys, as changes that say nothing of values.
  private(set) var keys = WriteSet(findingKeys: true)
  private(set) var ranges: [Range] = []
  private var wholeTrees: Set<UInt32> = []

  func note(_ key: Bytes, in tree: UInt32) {
    if wholeTrees.contains(tree) { return }
    keys.set(KeyChange(operation: .delete, tree: tree, key: key, value: key.prefix(0)))
    if keys.memoryBytes > Self.mostBytes { noteWholeTrees() }
  }

  func note(_ range: KeyRange, in tree: UInt32) {
    if wholeTrees.contains(tree) { return }
    ranges.append(Range(tree: tree, keys: range))
    if ranges.count > Self.mostRanges { noteWholeTrees() }
  }

  /// Notes everything in a tree.
  func noteAll(of tree: UInt32) {
    guard wholeTrees.insert(tree).inserted else { return }
    ranges.append(Range(tree: tree, keys: .all))
  }

  /// Puts whole trees in the place of all that was read.
  private func noteWholeTrees() {
    wholeTrees.formUnion(keys.trees)
    wholeTrees.formUnion(ranges.lazy.map(\.tree))
    keys = WriteSet(findingKeys: true)
    ranges = wholeTrees.sorted().map { Range(tree: $0, keys: .all) }
  }

  /// A tree of which a key or range was read that `changes` has changed.
  func firstConflict(with changes: WriteSet) -> UInt32? {
    if let tree = keys.firstCommonKey(with: changes) { return tree }
    return ranges.first { !changes.changes(in: $0.tree, range: $0.keys).isEmpty }?.tree
  }

  /// Whether anything of a tree was read.
  func contains(tree: UInt32) -> Bool {
    ranges.contains { $0.tree == tree } || !keys.isEmpty(in: tree)
  }
}

extension KeyRange {
  private var isShort: Bool {
    max(lower?.count ?? 0, upper?.count ?? 0) <= PageGeometry.maximumKeyBytes
  }

  /// The range with bounds no longer than a key can be; it holds the same keys, and few more.
  var clipped: KeyRange {
    if isShort { return self }
    let limit = PageGeometry.maximumKeyBytes
    let beyond = upper.flatMap { KeyRange.prefix(Array($0.prefix(limit))).upper }
    return KeyRange(
      from: lower.map { Array($0.prefix(limit)) },
      upTo: (upper?.count ?? 0) > limit ? beyond : upper)
  }
}

extension WriteSet {
  /// A tree in which both have changed one key.
  func firstCommonKey(with other: WriteSet) -> UInt32? {
    let (smaller, larger) = entries.count <= other.entries.count ? (self, other) : (other, self)
    return smaller.entries.first {
      larger.find($0.change.key, in: $0.change.tree) != nil
    }?.change.tree
  }
}
