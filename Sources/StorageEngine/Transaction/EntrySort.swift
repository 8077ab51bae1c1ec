// SPDX-License-Identifier: Apache-2.0

/// Sorts many changes by tree and key.
///
/// Most keys are told apart by eight of their bytes, so these are sorted, digit by digit where there
/// are many; whole keys are only compared where they are equal.
enum EntrySort {
  /// From so many on counting digits is faster than comparing.
  private static let many = 4096

  /// Eight bytes of a key, and the position of its entry.
  private struct Item {
    var bytes: UInt64
    var position: UInt32
  }

  /// Positions of entries in order, of each key the last alone.
  static func order(of entries: [WriteSet.Entry]) -> [UInt32] {
    var trees: [UInt32: Int] = [:]
    for entry in entries where trees[entry.tree] == nil { trees[entry.tree] = 0 }
    var order: [UInt32] = []
    order.reserveCapacity(entries.count)
    for tree in trees.keys.sorted() {
      var items = items(of: tree, in: entries)
      if items.count < many {
        items.sort { ($0.bytes, $0.position) < ($1.bytes, $1.position) }
      } else {
        sortByDigits(&items)
      }
      appendSorted(items, entries, to: &order)
    }
    return order
  }

  /// The entries of a tree with the first eight bytes in which their keys differ.
  private static func items(of tree: UInt32, in entries: [WriteSet.Entry]) -> [Item] {
    var items: [Item] = []
    items.reserveCapacity(entries.count)
    var differing: UInt64 = 0
    for (position, entry) in entries.enumerated() where entry.tree == tree {
      items.append(Item(bytes: entry.head, position: UInt32(position)))
      differing |= entry.head ^ items[0].bytes
    }
    guard let first = items.first.map({ entries[Int($0.position)].key }) else { return items }
    var shared = differing.leadingZeroBitCount / 8
    if shared == 0 { return items }
    if shared == 8 {
      shared = items.reduce(first.count) { length, item in
        let key = entries[Int(item.position)].key
        return first.prefix(min(length, first.count)).commonPrefix(key)
      }
    }
    for index in items.indices {
      let key = entries[Int(items[index].position)].key
      items[index].bytes = key.dropFirst(min(shared, key.count)).head
    }
    return items
  }

  /// Sorts by counting, from the last of four digits to the first.
  private static func sortByDigits(_ items: inout [Item]) {
    var other = items
    var counts = [Int](repeating: 0, count: 1 << 16)
    for shift in stride(from: UInt64(0), to: 64, by: 16) {
      for index in counts.indices { counts[index] = 0 }
      for item in items { counts[Int(item.bytes >> shift & 0xFFFF)] += 1 }
      if counts.contains(items.count) { continue }
      var sum = 0
      for index in counts.indices { (counts[index], sum) = (sum, sum + counts[index]) }
      for item in items {
        let digit = Int(item.bytes >> shift & 0xFFFF)
        other[counts[digit]] = item
        counts[digit] += 1
      }
      swap(&items, &other)
    }
  }

  /// Appends positions, after those with equal bytes were compared as a whole.
  private static func appendSorted(
    _ items: [Item], _ entries: [WriteSet.Entry], to order: inout [UInt32]
  ) {
    var start = 0
    while start < items.count {
      var end = start + 1
      while end < items.count, items[end].bytes == items[start].bytes { end += 1 }
      if end == start + 1 {
        order.append(items[start].position)
      } else {
        appendCompared(items[start..<end].map(\.position), entries, to: &order)
      }
      start = end
    }
  }

  private static func appendCompared(
    _ positions: [UInt32], _ entries: [WriteSet.Entry], to order: inout [UInt32]
  ) {
    let sorted = positions.sorted { left, right in
      let keys = entries[Int(left)].key.compare(entries[Int(right)].key)
      return keys != 0 ? keys < 0 : left < right
    }
    for (index, position) in sorted.enumerated() {
      let isReplaced =
        index + 1 < sorted.count
        && entries[Int(position)].key.compare(entries[Int(sorted[index + 1])].key) == 0
      if !isReplaced { order.append(position) }
    }
  }
}
