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

  private func perform<R>(
    _ body: (RecordTransaction) throws -> R, _ trees: WriteTransaction
  ) throws -> R {
    let policy = policy
    return try update(in: trees) { update, memory in
      var delivery = Delivery(trees)
      try delivery.release(from: &update, policy)
      try delivery.finish()
      let place = try update.nextPlace(of: memory.origin, now: policy.now)
      let stamp = Stamp(
        timestamp: place.timestamp.rawValue, tag: place.tag, sequence: place.sequence)
      let transaction = RecordTransaction(trees, stamp)
      let result = try body(transaction)
      if let parts = try transaction.finish() { try update.append(parts, at: place) }
      return result
    }
  }
}
