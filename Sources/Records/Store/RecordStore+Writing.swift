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
    return try journal.update(in: trees) { update in
      var delivery = Delivery(trees)
      try delivery.release(from: &update, policy)
      try delivery.finish()
      // The journal will give the transaction this very place and time when it is appended.
      let origin = try MetaTree.open(trees).origin()
      let head = update.heads.byOrigin[origin]
      var clock = update.heads.clock
      let stamp = Stamp(
        timestamp: try clock.next(now: policy.now).rawValue, tag: head?.tag ?? origin.tag,
        sequence: (head?.sequence ?? 0) + 1)
      let transaction = RecordTransaction(trees, stamp)
      let result = try body(transaction)
      if let parts = try transaction.finish() {
        let entry = try update.append(parts, origin: origin, now: policy.now)
        guard entry.header.timestamp.rawValue == stamp.timestamp,
          entry.header.sequence == stamp.sequence
        else {
          throw RecordStoreError.corruptStore(
            place: "journal", problem: "\(entry.dot) was given another place than foreseen")
        }
      }
      return result
    }
  }
}
