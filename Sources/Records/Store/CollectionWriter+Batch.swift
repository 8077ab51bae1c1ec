// SPDX-License-Identifier: Apache-2.0

import StorageEngine

extension CollectionWriter {
  /// Records of a new collection from which on its keys are kept in mind.
  private static let leastKnown = 1000

  /// Puts the records of a group that go to this collection, from the next one on, until `limit`
  /// of them were written; returns how many were.
  ///
  /// `isSkipped` is asked before a record that is there is changed.
  mutating func put(
    _ group: inout BatchGroup, limit: Int, _ keys: inout KnownKeys,
    isSkipped: (InputBatch, PreparedBatch.Entry) throws -> Bool
  ) throws -> Int {
    let end = group.endOfCollection
    // Of keys that come in order the last one is enough to know.
    if tree == nil, !group.isInOrder, end - group.next >= Self.leastKnown {
      keys.addEmpty(collection)
    }
    let isComplete = keys.isComplete(collection)
    if !isComplete { try readLastKey() }
    let numbered = group.batches.map { part.adopt($0.prepared.names) }
    var written = 0
    var place = group.next
    while place < end, written < limit {
      let item = group.items[place]
      let number = Int(item.batch)
      // Not the whole batch: each array copied out of it is retained and released.
      let bytes = group.batches[number].prepared.bytes
      let entry = group.batches[number].prepared.entries[Int(item.place)]
      setKey(bytes.span, entry.key)
      let isNew = isComplete ? keys.insert(entry.hash) : lastKey.lexicographicallyPrecedes(key)
      let old = isNew ? nil : try present()
      if old == nil, numbered[number] {
        try putNew(entry, bytes.span)
        written += 1
      } else if try put(
        bytes.span, key: entry.key,
        group.batches[number].prepared.fields[entry.fields], old: old,
        isSkipped: { try isSkipped(group.batches[number], entry) })
      {
        written += 1
      }
      place += 1
    }
    if lastKey.lexicographicallyPrecedes(key) { lastKey = key }
    group.advance(to: place)
    return written
  }

  /// Puts a record that is not there, under the key that is set.
  @inline(__always)
  private mutating func putNew(_ entry: PreparedBatch.Entry, _ bytes: Span<UInt8>) throws {
    writer.writePlain(bytes, entry.state, count: entry.fields.count, coverage)
    try trees.put(writer.bytes, forKey: key, in: recordTree())
    part.append(prepared: bytes, entry.operation)
  }

  /// Finds the last key of the collection, behind which every record is new.
  private mutating func readLastKey() throws {
    guard !isLastKeyRead, let tree else { return }
    let cursor = try trees.cursor(in: tree, range: .all, reversed: true)
    if try cursor.next() { lastKey = cursor.key }
    isLastKeyRead = true
  }
}
