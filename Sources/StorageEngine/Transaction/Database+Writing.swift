// SPDX-License-Identifier: Apache-2.0

/// One writer at a time.
extension Database {
  /// Runs `body` as the only writer and commits what it did when it returns; when it throws,
  /// nothing is changed and the error is passed on.
  ///
  /// Returns when the commit is as durable as asked. Commits of several threads share flushes.
  /// Must not be called from within itself.
  ///
  /// - Throws: What `body` throws; `EngineError`; `TransactionError.lockTimeout`, at once, when a
  ///   prepared transaction holds what was changed.
  public func write<R>(
    durability: Durability? = nil, _ body: (WriteTransaction) throws -> R
  ) throws -> R {
    let (result, commit) = try writeWithoutWaiting(durability: durability, body)
    try commit.wait()
    return result
  }

  func runExclusively<R>(
    _ body: (WriteTransaction) throws -> R
  ) throws -> (R, UInt64) {
    writerLock.lock()
    defer { writerLock.unlock() }
    try checkChangeable()
    // Without room they stay attached, as they were.
    try? detachGivenUp()
    let transaction = WriteTransaction(database: self, base: working, note: state.note)
    // Comes back with the commit only: what fails may have taken the note and changed it.
    state.note = nil
    do {
      let result = try body(transaction)
      let lsn = try submit(transaction)
      state.note = transaction.takeNote()
      transaction.end()
      return (result, lsn)
    } catch {
      transaction.rollback()
      throw error
    }
  }

  /// Has every later commit call `participant` (see there); `nil` for none.
  public func setCommitParticipant(_ participant: (any CommitParticipant)?) {
    writerLock.withLock { state.participant = participant }
  }

  /// Makes every earlier commit durable.
  ///
  /// - Throws: `.closed`; `.poisoned` after an earlier failure, or when this one fails.
  public func flush() throws(EngineError) {
    try checkWritable()
    try settle(working.lsn, .synced)
  }
}

/// What a layer above knows of one state of the trees, kept so that it need not read it again.
///
/// Lies beside the working state under the writer lock: a transaction finds the note that was left
/// on exactly the state it begins with, or none. Seen by one transaction at a time, so it may be
/// changed in place once it is taken.
public protocol StateNote: AnyObject {}

/// A layer above that joins every commit.
public protocol CommitParticipant: Sendable {
  /// Called with a transaction that is about to be committed, after its own changes were made and
  /// with every earlier commit visible.
  ///
  /// May add changes. Throwing rolls the transaction back.
  func prepareCommit(_ transaction: WriteTransaction) throws
}
