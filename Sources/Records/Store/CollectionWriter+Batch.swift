// SPDX-License-Identifier: Apache-2.0

import StorageEngine

extension CollectionWriter {
  /// Puts the records of a batch, in key order; returns how many were written.
  ///
  /// `isSkipped` is asked, by slot, before a record that is there is changed.
  mutating func put(
    _ batch: PreparedBatch, _ entries: ArraySlice<PreparedBatch.Entry>,
    isSkipped: (UInt32) throws -> Bool
  ) throws -> Int {
    let source = batch.records.bytes.span
    let prepared = batch.bytes.span
    let isNumbered = part.adopt(batch.names)
    var written = 0
    try readLastKey()
    for item in entries {
      let entry = batch.records.entries[Int(item.slot)]
      setKey(source, entry.key)
      let old = lastKey.lexicographicallyPrecedes(key) ? nil : try present()
      if old == nil, isNumbered {
        writer.writePlain(prepared, item.fields.places, count: Int(item.fieldCount), coverage)
        try trees.put(writer.bytes, forKey: key, in: recordTree())
        part.append(prepared: prepared, item.operation.places)
        written += 1
      } else if try put(
        source, key: entry.key, batch.records.fields[entry.slots], old: old,
        isSkipped: { try isSkipped(item.slot) })
      {
        written += 1
      }
    }
    if lastKey.lexicographicallyPrecedes(key) { lastKey = key }
    return written
  }

  /// Finds the last key of the collection, behind which every record is new.
  private mutating func readLastKey() throws {
    guard !isLastKeyRead, let tree else { return }
    let cursor = try trees.cursor(in: tree, range: .all, reversed: true)
    if try cursor.next() { lastKey = cursor.key }
    isLastKeyRead = true
  }
}
