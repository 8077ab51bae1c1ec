// SPDX-License-Identifier: Apache-2.0

/// A commit that is applied, and durable once `wait` has returned.
public struct PendingCommit: Sendable {
  let database: Database
  /// The number of the transaction, or of the one before it when it changed nothing.
  public let lsn: UInt64
  let durability: Durability

  /// Waits until the commit is as durable as asked, and readers see it.
  ///
  /// - Throws: `.poisoned` when the disk failed: then the commit may be lost.
  public func wait() throws(EngineError) {
    try database.settle(lsn, durability)
  }
}

extension Database {
  /// Like `write`, but returns before the commit is durable, so that the next transaction can be
  /// prepared while the disk works.
  ///
  /// The next transaction builds on this one, and none becomes durable before those it builds on.
  /// Nothing may be acknowledged before `PendingCommit.wait` has returned, and someone must call
  /// that: snapshots do not show the commit earlier.
  public func writeWithoutWaiting<R>(
    durability: Durability? = nil, _ body: (WriteTransaction) throws -> R
  ) throws -> (result: R, commit: PendingCommit) {
    let (result, lsn) = try runExclusively(body)
    scheduleCheckpointIfDue()
    let commit = PendingCommit(
      database: self, lsn: lsn, durability: durability ?? configuration.durability)
    return (result, commit)
  }
}
