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
    if tree == nil, end - group.next >= Self.leastKnown { keys.addEmpty(collection) }
    let isComplete = keys.isComplete(collection)
    if !isComplete { try readLastKey() }
    let numbered = group.batches.map { part.adopt($0.prepared.names) }
    var written = 0
    var place = group.next
    while place < end, written < limit {
      let item = group.items[place]
      let batch = group.batches[Int(item.batch)]
      let entry = batch.prepared.entries[Int(item.place)]
      setKey(batch.prepared.bytes.span, entry.key.places)
      let isNew = isComplete ? keys.insert(entry.hash) : lastKey.lexicographicallyPrecedes(key)
      if try put(
        entry, of: batch.prepared, old: isNew ? nil : present(),
        isNumbered: numbered[Int(item.batch)], isSkipped: { try isSkipped(batch, entry) })
      {
        written += 1
      }
      place += 1
    }
    if lastKey.lexicographicallyPrecedes(key) { lastKey = key }
    group.advance(to: place)
    return written
  }

  /// Puts one record; returns whether it was written.
  @inline(__always)
  private mutating func put(
    _ entry: PreparedBatch.Entry, of batch: PreparedBatch, old: [UInt8]?, isNumbered: Bool,
    isSkipped: () throws -> Bool
  ) throws -> Bool {
    let bytes = batch.bytes.span
    guard old == nil, isNumbered else {
      return try put(
        bytes, key: entry.key.places, batch.fields[entry.fields.places], old: old,
        isSkipped: isSkipped)
    }
    writer.writePlain(bytes, entry.state.places, count: entry.fields.count, coverage)
    try trees.put(writer.bytes, forKey: key, in: recordTree())
    part.append(prepared: bytes, entry.operation.places)
    return true
  }

  /// Finds the last key of the collection, behind which every record is new.
  private mutating func readLastKey() throws {
    guard !isLastKeyRead, let tree else { return }
    let cursor = try trees.cursor(in: tree, range: .all, reversed: true)
    if try cursor.next() { lastKey = cursor.key }
    isLastKeyRead = true
  }
}
