// SPDX-License-Identifier: Apache-2.0

/// Changes, one per key, found by key and visited in its order.
@safe
final class WriteSet {
  @safe @exclusivity(unchecked) private var table = ChangeTable()
  /// Positions of `entries` in order, as far as sorted.
  @safe @exclusivity(unchecked) private var order: [UInt32] = []
  /// How many entries were sorted.
  @safe @exclusivity(unchecked) private var sortedCount = 0

  /// - Parameter findingKeys: As if `prepareToFind` was called.
  init(findingKeys: Bool = false) {
    if findingKeys { table.prepareToFind() }
  }

  /// All changes; once `prepareToFind` was called, each key has one.
  var entries: [Entry] { table.entries }

  var isEmpty: Bool { table.entries.isEmpty }

  /// About how much memory it takes.
  var memoryBytes: Int { table.memoryBytes }

  /// The trees in which it has changes.
  var trees: Set<UInt32> { Set(entries.lazy.map(\.tree)) }

  /// Whether it has no changes in a tree.
  func isEmpty(in tree: UInt32) -> Bool { !entries.contains { $0.tree == tree } }

  /// At least as many bytes as the changes take in the log.
  var loggedBytes: Int { table.loggedBytes }

  /// Notes a change; returns the one of the same key that it replaces, if that is known: it is once
  /// `prepareToFind` was called or a large value was written.
  @discardableResult
  func set(_ change: KeyChange) -> KeyChange? {
    table.set(change)
  }

  func find(_ key: Bytes, in tree: UInt32) -> KeyChange? {
    prepareToFind()
    return table.find(key, in: tree)
  }

  /// From now on each key has one change, and finding and visiting them changes nothing here, as long
  /// as none is added.
  func prepareToFind() {
    if table.hasRepeats {
      order = []
      sortedCount = 0
    }
    table.prepareToFind()
  }

  // MARK: Order

  private static let single: [UInt32] = [0]

  /// Positions of all entries in ascending order of tree and key, of each key the last alone.
  func sorted() -> [UInt32] {
    let entries = table.entries
    guard sortedCount < entries.count else { return order }
    if entries.count == 1 { return Self.single }
    let tail = UInt32(sortedCount)..<UInt32(entries.count)
    func precedes(_ left: UInt32, _ right: UInt32) -> Bool {
      entries[Int(left)].precedes(entries[Int(right)])
    }
    if table.isAscending {
      order.append(contentsOf: tail)
    } else if !table.hasRepeats, tail.count < sortedCount / 8 {
      order = merge(order, tail.sorted(by: precedes), precedes)
    } else {
      order = EntrySort.order(of: entries)
    }
    sortedCount = entries.count
    return order
  }

  private func merge(
    _ left: [UInt32], _ right: [UInt32], _ precedes: (UInt32, UInt32) -> Bool
  ) -> [UInt32] {
    var merged: [UInt32] = []
    merged.reserveCapacity(left.count + right.count)
    var next = 0
    for item in left {
      while next < right.count && precedes(right[next], item) {
        merged.append(right[next])
        next += 1
      }
      merged.append(item)
    }
    merged.append(contentsOf: right[next...])
    return merged
  }

  /// The changes of one tree from `lower` up to `upper`, in order.
  func changes(in tree: UInt32, range: KeyRange) -> [KeyChange] {
    prepareToFind()
    let order = sorted()
    func lowerBound(_ key: [UInt8]) -> Int {
      key.withBytes { bytes in
        partition(order) { change in
          change.tree != tree ? change.tree < tree : change.key.compare(bytes) < 0
        }
      }
    }
    let first =
      range.lower.map(lowerBound) ?? partition(order) { $0.tree < tree }
    let end = range.upper.map(lowerBound) ?? partition(order) { $0.tree <= tree }
    guard first < end else { return [] }
    let entries = table.entries
    return order[first..<end].map { entries[Int($0)].change }
  }

  private func partition(_ order: [UInt32], _ isBefore: (KeyChange) -> Bool) -> Int {
    let entries = table.entries
    var low = 0
    var high = order.count
    while low < high {
      let middle = (low + high) >> 1
      if isBefore(entries[Int(order[middle])].change) { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
