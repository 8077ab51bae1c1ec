// SPDX-License-Identifier: Apache-2.0

extension Transaction {
  /// Commits: all changes become visible together, as durable as asked.
  ///
  /// When it throws `.conflict`, `.nameTaken` or any other error but `.engine(.poisoned)`, nothing
  /// was changed and the transaction is over. Commits of several threads share flushes.
  public func commit() throws(TransactionError) {
    guard case .submitted(let lsn?) = try submit(waits: true) else { return }
    try TransactionError.wrapping { () throws(EngineError) in try pending(lsn).wait() }
  }

  /// Commits without holding up the thread, neither while the disk works nor while a prepared
  /// transaction holds what is needed.
  public func commit() async throws(TransactionError) {
    lazy var deadline = Deadline(after: database.configuration.lockWait)
    while true {
      switch try submit(waits: false) {
      case .submitted(let lsn):
        guard let lsn else { return }
        do {
          return try await pending(lsn).waitWithoutBlocking()
        } catch {
          throw .engine(error)
        }
      case .held(let holder, let wakeups):
        if deadline.isOver {
          rollback()
          throw .lockTimeout(holder: holder)
        }
        await database.prepared.wakeups.waitWithoutBlocking(after: wakeups, until: deadline)
      }
    }
  }

  /// Submits the changes, and ends the transaction unless a prepared one holds what is needed.
  private func submit(waits: Bool) throws(TransactionError) -> Submission {
    let submission = try withWrites(orThrow: TransactionError.ended) {
      (work) throws(TransactionError) -> Submission in
      // Without changes there is nothing that could be at odds: it has read one state.
      if work.isEmpty {
        end()
        return .submitted(nil)
      }
      do throws(TransactionError) {
        let submission = try database.submit(self, work, waits: waits)
        if case .submitted = submission { end() }
        return submission
      } catch {
        work.rollback()
        end()
        throw error
      }
    }
    if case .submitted(_?) = submission { database.scheduleCheckpointIfDue() }
    return submission
  }

  private func pending(_ lsn: UInt64) -> PendingCommit {
    PendingCommit(
      database: database, lsn: lsn,
      durability: options.durability ?? database.configuration.durability)
  }
}
