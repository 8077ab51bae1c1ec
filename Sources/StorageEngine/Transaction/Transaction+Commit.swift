// SPDX-License-Identifier: Apache-2.0

extension Transaction {
  /// Commits: all changes become visible together, as durable as asked.
  ///
  /// When it throws `.conflict`, `.nameTaken` or any other error but `.engine(.poisoned)`, nothing
  /// was changed and the transaction is over. Commits of several threads share flushes.
  public func commit() throws(TransactionError) {
    let pending = try ending { (work) throws(TransactionError) in
      try database.submit(self, work)
    }
    try pending.map { pending throws(TransactionError) in
      try TransactionError.wrapping { () throws(EngineError) in try pending.wait() }
    }
  }

  /// Commits without holding up the thread, neither while the disk works nor while a prepared
  /// transaction holds what is needed.
  public func commit() async throws(TransactionError) {
    var deadline: Deadline?
    while true {
      switch try attemptCommit() {
      case .done(let pending):
        guard let pending else { return }
        do {
          return try await pending.waitWithoutBlocking()
        } catch {
          throw .engine(error)
        }
      case .held(let holder, let decisions):
        let end = deadline ?? Deadline(after: database.configuration.lockWait)
        deadline = end
        if end.isOver {
          rollback()
          throw .lockTimeout(holder: holder)
        }
        await database.prepared.decisions.waitWithoutBlocking(after: decisions, until: end)
      }
    }
  }

  private enum Attempt {
    /// `nil` when there is nothing to wait for.
    case done(PendingCommit?)
    case held(by: [UInt8], decisions: UInt64)
  }

  /// Commits unless a prepared transaction holds what is needed; then the transaction stays open.
  private func attemptCommit() throws(TransactionError) -> Attempt {
    var held: Attempt?
    let pending = try ending { (work) throws(TransactionError) -> UInt64? in
      switch try database.submitUnlessHeld(self, work) {
      case .submitted(let lsn): return lsn
      case .held(let holder, let decisions):
        held = .held(by: holder, decisions: decisions)
        return nil
      }
    }
    return held ?? .done(pending)
  }

  /// Runs `submit`, and ends the transaction unless that has no LSN to tell; `nil` also when
  /// nothing was changed.
  private func ending(
    _ submit: (WriteTransaction) throws(TransactionError) -> UInt64?
  ) throws(TransactionError) -> PendingCommit? {
    let lsn = try withWrites(orThrow: TransactionError.ended) {
      (work) throws(TransactionError) -> UInt64? in
      // Without changes there is nothing that could be at odds: it has read one state.
      if work.isEmpty {
        end()
        return nil
      }
      do throws(TransactionError) {
        let lsn = try submit(work)
        if lsn != nil { end() }
        return lsn
      } catch {
        work.rollback()
        end()
        throw error
      }
    }
    guard let lsn else { return nil }
    database.scheduleCheckpointIfDue()
    return PendingCommit(
      database: database, lsn: lsn,
      durability: options.durability ?? database.configuration.durability)
  }
}
