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
  /// - Throws: `JournalError.gap` and `.waiting` when something is missing, `.fork` when one name
  ///   stands for two transactions; `RecordStoreError.rollback` and `.corruptTransaction`. Then
  ///   nothing of the batch is applied.
  public func apply(_ batch: [EncodedTransaction]) throws -> ApplyOutcome {
    guard !batch.isEmpty else { return ApplyOutcome() }
    return try withMemory { trees, memory in
      let now = environment.now()
      var delivery = try Delivery(trees, memory, now, maxAhead: environment.maxAhead)
      try delivery.releaseDue()
      for transaction in batch.inCausalOrder() { try delivery.deliver(transaction) }
      return try delivery.finish(&memory)
    }
  }

  /// Applies what was put aside and may be applied by now.
  @discardableResult
  public func releaseHeld() throws -> ApplyOutcome {
    let now = environment.now()
    let snapshot = try database.snapshot()
    let earliest = try HeldTree(snapshot)?.all().map { $0.release(maxAhead: environment.maxAhead) }
    snapshot.close()
    guard let first = earliest?.min(), first <= now else { return ApplyOutcome() }
    return try withMemory { trees, memory in try releaseDue(trees, &memory, now) }
  }

  /// Applies, within a transaction of the engine, what may be applied by now.
  @discardableResult
  func releaseDue(
    _ trees: WriteTransaction, _ memory: inout StoreMemory, _ now: UInt64
  ) throws -> ApplyOutcome {
    guard let release = memory.nextRelease, release <= now else { return ApplyOutcome() }
    var delivery = try Delivery(trees, memory, now, maxAhead: environment.maxAhead)
    try delivery.releaseDue()
    return try delivery.finish(&memory)
  }
}
