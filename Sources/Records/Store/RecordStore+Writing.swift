// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
public import StorageEngine

extension RecordStore {
  /// Runs `body`; what it wrote becomes one transaction of the journal.
  ///
  /// Durable when this returns. When `body` throws, nothing is changed; when it wrote nothing,
  /// there is no transaction. Must not be called from within itself.
  ///
  /// - Parameters:
  ///   - durability: What the commit waits for; by default what the database was opened with.
  ///   - body: Reads and writes records. Runs while no other write does.
  @discardableResult
  public func write<R>(
    durability: Durability? = nil, _ body: (RecordTransaction) throws -> R
  ) throws -> R {
    try database.write(durability: durability) { try perform(body, $0) }
  }

  /// Like `write`, but returns before the transaction is durable: it must not be acknowledged
  /// before `PendingCommit.wait` has returned, which someone must call.
  public func writeWithoutWaiting<R>(
    durability: Durability? = nil, _ body: (RecordTransaction) throws -> R
  ) throws -> (result: R, commit: PendingCommit) {
    try database.writeWithoutWaiting(durability: durability) { try perform(body, $0) }
  }

  /// Like `writeWithoutWaiting`, but makes any number of transactions of the journal, which become
  /// durable together or not at all: calls `body` for each, as long as it returns true.
  ///
  /// Returns how many there are: those in which something was written.
  func writeSeriesWithoutWaiting(
    _ body: (RecordTransaction) throws -> Bool
  ) throws -> (transactions: Int, commit: PendingCommit) {
    let (transactions, commit) = try database.writeWithoutWaiting { trees in
      try inJournal(trees) { update, origin, isFirst in
        var isFirst = isFirst
        var transactions = 0
        var hasMore = true
        while hasMore {
          let isWritten: Bool
          (hasMore, isWritten) = try perform(
            body, trees, &update, origin, isFirst: isFirst)
          transactions += isWritten ? 1 : 0
          isFirst = false
        }
        return transactions
      }
    }
    return (transactions, commit)
  }

  private func perform<R>(
    _ body: (RecordTransaction) throws -> R, _ trees: WriteTransaction
  ) throws -> R {
    try inJournal(trees) { update, origin, isFirst in
      try perform(body, trees, &update, origin, isFirst: isFirst).result
    }
  }

  /// Runs `body` with the journal open for additions, after what was held back and may be applied by
  /// now; tells it who writes, and whether nothing was changed so far.
  private func inJournal<R>(
    _ trees: WriteTransaction, _ body: (inout JournalUpdate, Origin, Bool) throws -> R
  ) throws -> R {
    let policy = policy
    return try update(in: trees) { update, memory in
      var delivery = Delivery(trees)
      try delivery.release(from: &update, policy)
      let outcome = try delivery.finish()
      return try body(&update, memory.origin, outcome.applied == 0)
    }
  }

  /// Makes one transaction of the journal, unless `body` writes nothing.
  private func perform<R>(
    _ body: (RecordTransaction) throws -> R, _ trees: WriteTransaction,
    _ update: inout JournalUpdate, _ origin: Origin, isFirst: Bool
  ) throws -> (result: R, isWritten: Bool) {
    let place = try update.nextPlace(of: origin, now: policy.now)
    let stamp = Stamp(
      timestamp: place.timestamp.rawValue, tag: place.tag, sequence: place.sequence)
    let transaction = RecordTransaction(trees, stamp, base: isFirst ? trees.lsn : nil)
    let result = try body(transaction)
    guard let parts = try transaction.finish() else { return (result, false) }
    try update.append(parts, at: place)
    return (result, true)
  }
}
