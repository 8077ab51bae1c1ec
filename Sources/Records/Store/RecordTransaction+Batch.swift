// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

extension RecordTransaction {
  /// Puts records of a group, from where the last call ended to its end, or until `limit` of them
  /// were written; returns how many were.
  ///
  /// - Parameters:
  ///   - group: The records.
  ///   - collection: Where they go; `nil` when each names its collection.
  ///   - keys: Knows which keys cannot be in the store.
  ///   - repeats: Knows which records a later one of the input replaces.
  func put(
    _ group: inout BatchGroup, limit: Int, into collection: String?, _ keys: inout KnownKeys,
    _ repeats: RepeatedKeys
  ) throws -> Int {
    var written = 0
    while group.hasMore, written < limit {
      written += try change(collection ?? group.collection) { writer in
        try writer.put(&group, limit: limit - written, &keys) { batch, entry in
          try repeats.isReplaced(
            KeyName.bytes(
              collection: batch.prepared.named(entry.collection), batch.prepared.bytes.span,
              entry.key),
            ordinal: batch.firstOrdinal + UInt64(entry.slot))
        }
      }
    }
    return written
  }
}
