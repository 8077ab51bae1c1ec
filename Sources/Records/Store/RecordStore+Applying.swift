// SPDX-License-Identifier: Apache-2.0

public import ChangeJournal
import StorageEngine

extension RecordStore {
  /// Applies transactions of other stores, all in one transaction of the engine.
  ///
  /// What is known already is passed over. What is from too far in the future is put aside, with
  /// everything that needs it. The batch may be in any order, if nothing is missing between it
  /// and what is here.
  ///
  /// - Parameters:
  ///   - batch: The transactions.
  ///   - storeID: The data set they belong to, where that is not certain: a store without
  ///     transactions takes part in it with the first of them, an empty batch only asks whether
  ///     that may be.
  /// - Throws: `JournalError.gap` and `.waiting` when something is missing, `.fork` when one name
  ///   stands for two transactions, `.acausal`; `RecordStoreError.storeMismatch`, `.rollback` and
  ///   `.corruptTransaction`, `.unsupportedOperation`. Then nothing of the batch is applied.
  public func apply(
    _ batch: [EncodedTransaction], of storeID: StoreID? = nil
  ) throws -> ApplyOutcome {
    guard !batch.isEmpty else {
      if let storeID { try read { _ = try isReplica(of: storeID, $0.trees) } }
      return ApplyOutcome()
    }
    let policy = policy
    let (isAdopted, outcome) = try database.write { trees in
      let isAdopted = try storeID.map { try adopt($0, in: trees) } ?? false
      let outcome = try update(in: trees) { update, memory in
        var delivery = Delivery(trees)
        try delivery.release(from: &update, policy)
        for transaction in batch.inCausalOrder() {
          try delivery.deliver(transaction, to: &update, policy, own: memory.origin)
        }
        return try delivery.finish()
      }
      return (isAdopted, outcome)
    }
    if isAdopted { try noteAdoption() }
    return outcome
  }

  /// Applies what was put aside and may be applied by now.
  @discardableResult
  public func releaseHeld() throws -> ApplyOutcome {
    let snapshot = try database.snapshot()
    let count = try journal.heldCount(in: snapshot)
    snapshot.close()
    guard count > 0 else { return ApplyOutcome() }
    let policy = policy
    return try database.write { trees in
      try update(in: trees) { update, _ in
        var delivery = Delivery(trees)
        try delivery.release(from: &update, policy)
        return try delivery.finish()
      }
    }
  }
}

extension [EncodedTransaction] {
  /// Ordered by timestamp, origin's tag, sequence.
  ///
  /// What a transaction depends on comes first, because its timestamp is above all of theirs.
  func inCausalOrder() -> [EncodedTransaction] {
    let ordered = zip(indices, indices.dropFirst()).allSatisfy { one, two in
      self[one].header.timestamp < self[two].header.timestamp
    }
    if ordered { return self }
    var tags: [Origin: UInt64] = [:]
    let stamped = map { transaction -> (stamp: Stamp, transaction: EncodedTransaction) in
      let origin = transaction.header.origin
      let tag = tags[origin] ?? origin.tag
      tags[origin] = tag
      let stamp = Stamp(
        timestamp: transaction.header.timestamp.rawValue, tag: tag,
        sequence: transaction.header.sequence)
      return (stamp, transaction)
    }
    return stamped.sorted { $0.stamp < $1.stamp }.map(\.transaction)
  }
}
