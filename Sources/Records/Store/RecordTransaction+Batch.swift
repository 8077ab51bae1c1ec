// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

extension RecordTransaction {
  /// Puts all records of a batch, in key order; of several with one key the last one wins.
  ///
  /// - Parameters:
  ///   - batch: The records.
  ///   - collection: Where they go; `nil` when each names its collection.
  ///   - firstOrdinal: The place of the first one in the input.
  ///   - repeats: Knows which records a later one of the input replaces.
  /// - Returns: How many were written.
  func put(
    _ batch: PreparedBatch, into collection: String?, firstOrdinal: UInt64,
    _ repeats: RepeatedKeys
  ) throws -> Int {
    if let collection {
      return try put(batch, batch.entries[...], into: collection, firstOrdinal, repeats)
    }
    var groups: [ByteText: [PreparedBatch.Entry]] = [:]
    for entry in batch.entries {
      let name = batch.records.collection(of: batch.records.entries[Int(entry.slot)]) ?? ""
      groups[ByteText(name), default: []].append(entry)
    }
    var written = 0
    for (name, entries) in groups.sorted(by: { $0.key < $1.key }) {
      written += try put(batch, entries[...], into: name.text, firstOrdinal, repeats)
    }
    return written
  }

  private func put(
    _ batch: PreparedBatch, _ entries: ArraySlice<PreparedBatch.Entry>, into collection: String,
    _ firstOrdinal: UInt64, _ repeats: RepeatedKeys
  ) throws -> Int {
    try change(collection) { writer in
      try writer.put(batch, entries) { slot in
        try repeats.isReplaced(
          batch.records.name(of: batch.records.entries[Int(slot)]),
          ordinal: firstOrdinal + UInt64(slot))
      }
    }
  }
}

/// The order in which the records of a batch are written.
enum BatchOrder {
  /// A record's slot and the first bytes of its key, by which most comparisons are decided.
  private struct Item {
    let prefix: UInt64
    let slot: UInt32
  }

  /// The slots of the records by key, without those that a later record replaces.
  ///
  /// Records that name different collections are different records.
  static func byKey(_ batch: RecordBatch) -> [UInt32] {
    let bytes = batch.bytes.span
    var items: [Item] = []
    items.reserveCapacity(batch.entries.count)
    var isSorted = true
    for (slot, entry) in batch.entries.enumerated() {
      let item = Item(prefix: prefix(bytes, entry.key), slot: UInt32(slot))
      if isSorted, let last = items.last, compare(last, item, batch) >= 0 { isSorted = false }
      items.append(item)
    }
    if isSorted { return items.map(\.slot) }
    items.sort { left, right in
      let order = compare(left, right, batch)
      return order < 0 || order == 0 && left.slot < right.slot
    }
    var order: [UInt32] = []
    order.reserveCapacity(items.count)
    for (place, item) in items.enumerated() {
      let isReplaced = place + 1 < items.count && compare(item, items[place + 1], batch) == 0
      if !isReplaced { order.append(item.slot) }
    }
    return order
  }

  /// Orders two records by key, then collection.
  @inline(__always)
  private static func compare(_ left: Item, _ right: Item, _ batch: RecordBatch) -> Int {
    if left.prefix != right.prefix { return left.prefix < right.prefix ? -1 : 1 }
    let (one, two) = (batch.entries[Int(left.slot)], batch.entries[Int(right.slot)])
    let order = batch.bytes.span.compare(one.key, two.key)
    guard order == 0, one.collection != two.collection else { return order }
    let (first, second) = (batch.collection(of: one) ?? "", batch.collection(of: two) ?? "")
    return ByteOrder.equal(first, second) ? 0 : ByteOrder.precedes(first, second) ? -1 : 1
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
