// SPDX-License-Identifier: Apache-2.0

/// What becomes of a transaction in doubt.
public enum InDoubtDecision: String, Sendable, CaseIterable {
  /// Its changes are made.
  case commit
  /// Its changes are given up.
  case rollback
  /// It stays in doubt and holds what it holds.
  case keep
}

/// A transaction that waits for a decision.
public struct InDoubtTransaction: Sendable, Equatable {
  /// How far it is.
  public enum State: String, Sendable {
    /// Prepared, not decided.
    case inDoubt
    /// Its commit had begun: it is in the store, and may not have been acknowledged.
    case committing
  }

  /// Its number in this store.
  public let number: UInt64
  /// The name given to it.
  public let identifier: [UInt8]
  /// How far it is.
  public let state: State
  /// When it was prepared, in milliseconds since 1970.
  public let preparedAt: UInt64
  /// How long ago that was, in milliseconds.
  public let age: UInt64

  init(_ work: PreparedWork, now: UInt64) {
    number = work.number
    identifier = work.identifier
    state = work.state == .inDoubt ? .inDoubt : .committing
    preparedAt = work.preparedAt
    age = now > work.preparedAt ? now - work.preparedAt : 0
  }
}

/// The transactions that a crash left in doubt or committing, and what is to become of them.
///
/// Made by `Database.recover`; holds the file until `finish` or `cancel`. Nothing is decided before
/// `finish`.
public final class RecoveryPlan {
  /// What was found, by number.
  public let transactions: [InDoubtTransaction]
  private let database: Database
  private let found: [UInt64: PreparedWork]
  private var decisions: [UInt64: InDoubtDecision] = [:]
  private var carriedOut: Set<UInt64> = []
  private var isOver = false

  init(_ database: Database, _ found: [PreparedWork], policy: InDoubtDecision) {
    self.database = database
    self.found = Dictionary(uniqueKeysWithValues: found.map { ($0.number, $0) })
    let now = database.configuration.clock()
    transactions = found.map { InDoubtTransaction($0, now: now) }
    for work in found {
      // A commit that had begun is completed unless told otherwise.
      decisions[work.number] = work.state == .inDoubt ? policy : .commit
    }
  }

  deinit {
    cancel()
  }

  /// What is to become of a transaction.
  public func decision(on number: UInt64) -> InDoubtDecision? { decisions[number] }

  /// Decides on a transaction.
  ///
  /// - Throws: `.notInDoubt`; `.cannotRollBack` for one whose commit had begun and is journaled,
  ///   overwritten, or too large to be undone. Such a one cannot be kept in doubt either.
  public func decide(_ decision: InDoubtDecision, on number: UInt64) throws(TransactionError) {
    guard let work = found[number], !carriedOut.contains(number) else {
      throw .notInDoubt(number: number)
    }
    if work.state == .committed, decision != .commit {
      guard decision == .rollback else {
        throw .cannotRollBack(number: number, reason: "its commit had begun")
      }
      if let reason = try database.obstacle(toUndoing: work) {
        throw .cannotRollBack(number: number, reason: reason)
      }
    }
    decisions[number] = decision
  }

  /// Carries the decisions out and returns the open store.
  ///
  /// After an error it may be called again, and goes on with those that are left.
  ///
  /// - Throws: `.engine(.readOnly)` for a store that may only be read, `.ended` behind the end, and
  ///   what the decisions throw.
  public func finish() throws(TransactionError) -> Database {
    guard !isOver else { throw .ended }
    guard !database.configuration.isReadOnly else { throw .engine(.readOnly) }
    return try TransactionError.wrapping { () throws(EngineError) in try carryOut() }
  }

  /// The same for a plan that is not over.
  func carryOut() throws(EngineError) -> Database {
    database.keepForUndoing(
      found.values.filter { $0.state == .committed && decisions[$0.number] == .rollback })
    // The youngest first: an older one never waits for what a younger one holds, but it may have
    // been allowed to hold what the younger one has read.
    for (number, work) in found.sorted(by: { $0.key > $1.key })
    where !carriedOut.contains(number) {
      do throws(TransactionError) {
        let decision = decisions[number] ?? .keep
        try carryOut(decision, on: work)
        if decision != .keep { carriedOut.insert(number) }
      } catch .engine(let error) {
        throw error
      } catch {
        throw .undecidable(number: number, reason: error.description)
      }
    }
    isOver = true
    return database
  }

  private func carryOut(
    _ decision: InDoubtDecision, on work: PreparedWork
  ) throws(TransactionError) {
    switch (decision, work.state) {
    case (.keep, _), (.commit, .committed): break
    case (.commit, .inDoubt): try database.commitPrepared(work.number, durability: .synced)
    case (.rollback, .inDoubt): try database.rollbackPrepared(work.number)
    case (.rollback, .committed): try database.undo(work)
    }
  }

  /// Closes the file and decides nothing more.
  public func cancel() {
    guard !isOver else { return }
    isOver = true
    try? database.close(forgettingFinished: false)
  }
}

extension Database {
  /// Opens a store file and says what a crash left in doubt, before anything is decided.
  ///
  /// For reading only if the configuration says so: then `finish` throws, and the plan can only be
  /// looked at and cancelled.
  public static func recover(
    at path: String, configuration: Configuration = .init()
  ) throws(EngineError) -> RecoveryPlan {
    try configuration.check()
    return try recover(
      on: FileStorage.open(at: path, readOnly: configuration.isReadOnly),
      configuration: configuration)
  }

  /// The same for a store on any storage.
  public static func recover(
    on storage: any Storage, configuration: Configuration = .init()
  ) throws(EngineError) -> RecoveryPlan {
    let (database, found) = try openUndecided(on: storage, configuration: configuration)
    return RecoveryPlan(database, found, policy: configuration.inDoubtPolicy)
  }

  /// The transactions that wait for a decision, by number.
  public func inDoubtTransactions() throws(EngineError) -> [InDoubtTransaction] {
    try checkOpen()
    let now = configuration.clock()
    return writerLock.withLock {
      prepared.inDoubt.values.sorted { $0.number < $1.number }
        .map { InDoubtTransaction($0, now: now) }
    }
  }

  /// Decides on a transaction that waits for it.
  public func decide(
    _ decision: InDoubtDecision, on number: UInt64
  ) throws(TransactionError) {
    switch decision {
    case .commit: try commitPrepared(number, durability: .synced)
    case .rollback: try rollbackPrepared(number)
    case .keep: break
    }
  }

  /// Why a commit that had begun cannot be undone; `nil` when it can.
  func obstacle(toUndoing work: PreparedWork) throws(TransactionError) -> String? {
    if work.isJoined { return "it is journaled" }
    if !work.hasWholeUndo { return "it dropped trees or replaced large values" }
    let view = ownTransaction()
    return try TransactionError.wrapping { () throws(EngineError) in
      for entry in work.changes.entries {
        let change = entry.change
        guard view.treeSet[change.tree] != nil else { return "a tree it changed was dropped" }
        let present = try view.value(
          forKey: change.key.array, in: TreeID(rawValue: change.tree))
        let expected = change.operation == .delete ? nil : change.value.array
        if present != expected { return "what it wrote was overwritten" }
      }
      return nil
    }
  }

  /// Has other decisions leave alone what can undo commits that had begun: with it dropped, and the
  /// process at its end, they could not be rolled back any more.
  fileprivate func keepForUndoing(_ works: [PreparedWork]) {
    writerLock.withLock {
      prepared.finished.removeAll { tree in works.contains { $0.tree == tree } }
    }
  }

  /// Undoes a commit that had begun.
  func undo(_ work: PreparedWork) throws(TransactionError) {
    let lsn = try exclusively { () throws(TransactionError) in
      // The commit that uses what can undo it drops that as well.
      prepared.finished.append(work.tree)
      do throws(TransactionError) {
        return try commitOwn { transaction throws(EngineError) in try transaction.undo(work) }.lsn
      } catch {
        prepared.finished.removeAll { $0 == work.tree }
        throw error
      }
    }
    try TransactionError.wrapping { () throws(EngineError) in try settle(lsn, .synced) }
  }
}

extension WriteTransaction {
  fileprivate func undo(_ work: PreparedWork) throws(EngineError) {
    for undo in work.undo {
      let tree = TreeID(rawValue: undo.tree)
      if let value = undo.value {
        try put(value, forKey: undo.key, in: tree)
      } else {
        try delete(undo.key, in: tree)
      }
    }
    for case .create(let id, _) in work.treeChanges where treeSet[id] != nil {
      try dropTree(TreeID(rawValue: id))
    }
  }
}
