// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
public import StorageEngine

extension RecordStore {
  /// Runs `body`; what it wrote becomes one transaction of the journal.
  ///
  /// Durable when this returns. When `body` throws, nothing is changed; when it wrote nothing,
  /// there is no transaction. Must not be called from within itself.
  ///
  /// - Parameter durability: When this returns; by default as the database was opened.
  public func write<R>(
    durability: Durability? = nil, _ body: (RecordTransaction) throws -> R
  ) throws -> R {
    try withMemory(durability) { trees, memory in
      let now = environment.now()
      try releaseDue(trees, &memory, now)
      var clock = memory.clock
      let timestamp = try clock.next(now: now)
      let previous = memory.heads[memory.origin]
      let dot = Dot(origin: memory.origin, sequence: (previous?.sequence ?? 0) + 1)
      let transaction = RecordTransaction(trees, memory.stamp(dot, timestamp))
      let result = try body(transaction)
      guard let parts = try transaction.finish() else { return result }
      let entry = try EncodedTransaction(
        origin: dot.origin, sequence: dot.sequence, timestamp: timestamp,
        dependencies: memory.others, schemaEpoch: 0, previousHash: previous?.hash ?? .zero,
        parts: parts)
      try JournalTrees(trees).append(entry, in: trees)
      memory.note(entry)
      memory.changes += 1
      return result
    }
  }
}
