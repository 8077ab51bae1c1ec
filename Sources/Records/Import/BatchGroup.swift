// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

/// A prepared batch with its place in the input.
struct InputBatch {
  let prepared: PreparedBatch
  /// How many records come before its first.
  let firstOrdinal: UInt64
  /// Bytes of the input up to its end.
  let inputBytes: UInt64
}

/// Batches that are written together: their records as one sequence in the order of collection
/// and key, and how far it is written.
///
/// Of several records with one key only the last of the input remains.
struct BatchGroup {
  /// A record by what decides where it goes.
  struct Item {
    /// The number of its collection in `collections`.
    let collection: UInt32
    /// The number of its batch, and its place there.
    let batch: UInt32
    let place: UInt32
    /// The first bytes of its key.
    let prefix: UInt64
  }

  let batches: [InputBatch]
  /// Whether the records of the input were in order.
  private(set) var isInOrder: Bool
  /// The records in order.
  private(set) var items: [Item] = []
  /// The next one to write.
  private(set) var next = 0
  /// The collections that the records name; empty when all go to one.
  private let collections: [String]

  init(_ batches: [InputBatch]) {
    self.batches = batches
    let names = Set(batches.flatMap { $0.prepared.collections.map(ByteText.init) }).sorted()
    collections = names.map(\.text)
    isInOrder = batches.allSatisfy(\.prepared.isInOrder)
    var ranks: [ByteText: UInt32] = [:]
    for (rank, name) in names.enumerated() { ranks[name] = UInt32(rank) }
    items.reserveCapacity(batches.reduce(0) { $0 + $1.prepared.entries.count })
    var isSorted = true
    for number in batches.indices {
      let first = items.count
      append(number, ranks)
      // Each batch is in order itself.
      guard first > 0, first < items.count else { continue }
      if Self.compare(items[first - 1], items[first], batches) >= 0 { isSorted = false }
    }
    if !isSorted {
      isInOrder = false
      items = Self.merged(items, batches)
    }
  }

  private mutating func append(_ number: Int, _ ranks: [ByteText: UInt32]) {
    let batch = batches[number].prepared
    let collections = batch.collections.map { ranks[ByteText($0)] ?? 0 }
    for (place, entry) in batch.entries.enumerated() {
      items.append(
        Item(
          collection: collections.isEmpty ? 0 : collections[Int(entry.collection)],
          batch: UInt32(number), place: UInt32(place), prefix: entry.prefix))
    }
  }

  private static func merged(_ items: [Item], _ batches: [InputBatch]) -> [Item] {
    var items = items
    // The sort finds the runs that the batches are, and merges them.
    items.sort { left, right in
      let order = compare(left, right, batches)
      return order < 0 || order == 0 && left.batch < right.batch
    }
    return items.withoutReplaced { compare($0, $1, batches) == 0 }
  }

  @inline(__always)
  private static func compare(_ left: Item, _ right: Item, _ batches: [InputBatch]) -> Int {
    if left.collection != right.collection { return left.collection < right.collection ? -1 : 1 }
    if left.prefix != right.prefix { return left.prefix < right.prefix ? -1 : 1 }
    return compareKeys(left, right, batches)
  }

  @inline(never)
  private static func compareKeys(_ left: Item, _ right: Item, _ batches: [InputBatch]) -> Int {
    let one = batches[Int(left.batch)].prepared
    let two = batches[Int(right.batch)].prepared
    return one.bytes.span.compare(
      one.entries[Int(left.place)].key, two.bytes.span,
      two.entries[Int(right.place)].key)
  }

  /// Whether records are left to be written.
  var hasMore: Bool { next < items.count }

  /// The collection that the next record names; empty when it names none.
  var collection: String {
    collections.isEmpty ? "" : collections[Int(items[next].collection)]
  }

  /// The end of the records from the next one on that go to the same collection.
  var endOfCollection: Int {
    if collections.count < 2 { return items.count }
    let collection = items[next].collection
    return items[next...].firstIndex { $0.collection != collection } ?? items.count
  }

  /// Notes that the records before `place` are written.
  mutating func advance(to place: Int) {
    next = place
  }
}
