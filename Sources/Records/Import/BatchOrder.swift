// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

/// The collections that the records of a batch name.
struct NamedCollections {
  /// The names in order; empty when the records name none.
  private(set) var names: [String] = []
  /// For each record the number of its collection; empty when the records name none.
  private(set) var numbers: [UInt32] = []

  init(_ batch: RecordBatch) {
    guard let first = batch.entries.first, first.collection < .max else { return }
    var found: [ByteText: Int] = [:]
    var places: [Int] = []
    places.reserveCapacity(batch.entries.count)
    for entry in batch.entries {
      let name = ByteText(batch.collection(of: entry) ?? "")
      let place = found[name] ?? found.count
      found[name] = place
      places.append(place)
    }
    let ordered = found.sorted { $0.key < $1.key }
    var ranks = Array(repeating: UInt32(0), count: ordered.count)
    for (rank, (_, place)) in ordered.enumerated() { ranks[place] = UInt32(rank) }
    names = ordered.map(\.key.text)
    numbers = places.map { ranks[$0] }
  }
}

/// The order in which the records of a batch are written.
enum BatchOrder {
  /// A record by what decides where it goes.
  struct Item {
    /// The number of its collection.
    let collection: UInt32
    /// The first bytes of its key.
    let prefix: UInt64
    /// Its place in the batch.
    let slot: UInt32
  }

  /// The records by collection and key, without those that a later record replaces, and whether
  /// they were so already.
  static func sorted(
    _ batch: RecordBatch, _ named: NamedCollections
  ) -> (order: [Item], isInOrder: Bool) {
    var items: [Item] = []
    items.reserveCapacity(batch.entries.count)
    var isSorted = true
    let bytes = batch.bytes.span
    for (slot, entry) in batch.entries.enumerated() {
      let item = Item(
        collection: named.numbers.isEmpty ? 0 : named.numbers[slot],
        prefix: prefix(bytes, entry.key), slot: UInt32(slot))
      if isSorted, let last = items.last, compare(last, item, batch) >= 0 { isSorted = false }
      items.append(item)
    }
    if isSorted { return (items, true) }
    items.sort { left, right in
      let order = compare(left, right, batch)
      return order < 0 || order == 0 && left.slot < right.slot
    }
    return (items.withoutReplaced { compare($0, $1, batch) == 0 }, false)
  }

  @inline(__always)
  private static func compare(_ left: Item, _ right: Item, _ batch: RecordBatch) -> Int {
    if left.collection != right.collection { return left.collection < right.collection ? -1 : 1 }
    if left.prefix != right.prefix { return left.prefix < right.prefix ? -1 : 1 }
    return batch.bytes.span.compare(
      batch.entries[Int(left.slot)].key, batch.entries[Int(right.slot)].key)
  }

  /// The first eight bytes of an ordered key.
  private static func prefix(_ bytes: Span<UInt8>, _ key: Range<Int>) -> UInt64 {
    var prefix: UInt64 = 0
    for place in 0..<8 {
      let byte = place < key.count ? bytes[key.lowerBound + place] : 0
      prefix = prefix << 8 | UInt64(byte)
    }
    return prefix
  }
}

extension Array {
  /// The elements of a sorted array without those that are equal to the next.
  func withoutReplaced(_ areEqual: (Element, Element) -> Bool) -> [Element] {
    var rest: [Element] = []
    rest.reserveCapacity(count)
    for index in indices where index + 1 == count || !areEqual(self[index], self[index + 1]) {
      rest.append(self[index])
    }
    return rest
  }
}
