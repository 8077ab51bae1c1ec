// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A transaction that is durable and waits for its second phase.
///
/// One that is dropped without a decision is rolled back, unless it is left in doubt; one that a
/// crash left in doubt waits for a decision through `Database.inDoubtTransactions` or a
/// `RecoveryPlan`. A decision takes the place of the only writer, so none may be made, and no last
/// reference given up, inside `Database.write`.
public final class PreparedTransaction: Sendable {
  private let database: Database
  private let isDecided = Atomic<Bool>(false)
  private let durability: Durability?
  /// The number under which it is listed while in doubt; never given to another of this store.
  public let number: UInt64
  /// The name given to the transaction.
  public let identifier: [UInt8]

  init(_ database: Database, _ number: UInt64, _ options: TransactionOptions) {
    self.database = database
    self.number = number
    identifier = options.identifier
    durability = options.durability
  }

  deinit {
    // A store that is closed keeps it in doubt.
    if !isDecided.load(ordering: .acquiring) { try? database.rollbackPrepared(number) }
  }

  /// Second phase: makes the changes.
  ///
  /// After an error of the disk it is in doubt still, in the store as it is reopened; after
  /// `.outOfSpace` it can be committed once more.
  public func commit() throws(TransactionError) {
    try decide { () throws(TransactionError) in
      try database.commitPrepared(number, durability: durability)
    }
  }

  /// Second phase: gives the changes up.
  public func rollback() throws(TransactionError) {
    try decide { () throws(TransactionError) in try database.rollbackPrepared(number) }
  }

  /// Lets go of it without a decision: it stays in doubt, for `Database.decide` or a
  /// `RecoveryPlan`.
  public func leaveInDoubt() {
    isDecided.store(true, ordering: .releasing)
  }

  private func decide(
    _ decision: () throws(TransactionError) -> Void
  ) throws(TransactionError) {
    guard !isDecided.exchange(true, ordering: .acquiringAndReleasing) else { throw .ended }
    do throws(TransactionError) {
      try decision()
    } catch {
      // It is in doubt still, and can be decided again, unless nothing can be written any more.
      if case .engine(.poisoned) = error {} else { isDecided.store(false, ordering: .releasing) }
      throw error
    }
  }
}
