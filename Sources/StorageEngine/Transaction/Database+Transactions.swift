// SPDX-License-Identifier: Apache-2.0

/// What became of a transaction that was to be committed.
enum Submission {
  /// It has that LSN; `nil` when it changed nothing.
  case submitted(UInt64?)
  /// A prepared transaction holds what it needs; so many were decided before.
  case held(by: [UInt8], wakeups: UInt64)
}

/// Transactions that are open side by side, and how they commit.
extension Database {
  /// Begins a transaction beside those that are open.
  ///
  /// It sees what is durable, and everything that was committed by this process before.
  ///
  /// - Throws: `.identifierTooLong`, `.engine`.
  public func begin(
    _ options: TransactionOptions = TransactionOptions()
  ) throws(TransactionError) -> Transaction {
    let limit = TransactionOptions.maximumIdentifierBytes
    guard options.identifier.count <= limit else {
      throw .identifierTooLong(length: options.identifier.count, limit: limit)
    }
    try TransactionError.wrapping { () throws(EngineError) in
      // A transaction that only reads is as good as a snapshot.
      try configuration.isReadOnly ? checkOpen() : checkWritable()
    }
    let (ticket, behind) = window.begin()
    do throws(EngineError) {
      if published.lsn < behind { try settle(behind, .synced) }
    } catch {
      window.end(ticket)
      throw .engine(error)
    }
    let registry = pager.snapshots
    let base = withPublished { published in
      registry.open(published.lsn)
      return published
    }
    window.setBase(base.lsn, of: ticket)
    return Transaction(self, ticket: ticket, base: base, options)
  }

  /// What readers see.
  var published: TreeSet { withPublished { $0 } }

  /// Checks a transaction and puts it into the open group.
  ///
  /// While a prepared transaction holds what is needed, either waits or does nothing.
  func submit(
    _ transaction: Transaction, _ work: WriteTransaction, waits: Bool
  ) throws(TransactionError) -> Submission {
    try exclusively { () throws(TransactionError) in
      if !waits, let (holder, wakeups) = try holder(of: work) {
        return .held(by: holder, wakeups: wakeups)
      }
      try admit(transaction, work)
      return .submitted(try submitAndEnd(work))
    }
  }

  /// Runs `body` as the only writer.
  func exclusively<R>(
    _ body: () throws(TransactionError) -> R
  ) throws(TransactionError) -> R {
    try writerLock.withLock { () throws(TransactionError) in
      try TransactionError.wrapping { () throws(EngineError) in try checkChangeable() }
      return try body()
    }
  }

  /// Waits for what prepared transactions hold, checks for conflicts, and puts the changes on top
  /// of the last state.
  ///
  /// What is to be prepared waits for those too that will change what it has read: else they could
  /// not be committed any more. Call under the writer lock.
  func admit(
    _ transaction: Transaction, _ work: WriteTransaction, isPreparing: Bool = false
  ) throws(TransactionError) {
    try awaitPrepared(work, reads: isPreparing ? transaction.reads : nil)
    let working = working
    try checkTrees(of: work, base: transaction.base, working)
    // The last write wins however much was committed before it.
    if transaction.options.strategy != .lastWriteWins { try checkConflicts(transaction, work) }
    work.rebase(on: working)
    try checkExclusiveKeys(of: work, working)
  }

  private func checkConflicts(
    _ transaction: Transaction, _ work: WriteTransaction
  ) throws(TransactionError) {
    if window.isGivenUp(transaction.ticket) { throw .tooOld }
    let conflict = try TransactionError.wrapping { () throws(EngineError) in
      try window.conflict(since: transaction.base.lsn, work, read: transaction.reads)
    }
    if let conflict { throw .conflict(tree: name(of: conflict, in: transaction.base)) }
  }

  /// Waits until no prepared transaction holds what `work` needs.
  private func awaitPrepared(
    _ work: WriteTransaction, reads: ReadSet?
  ) throws(TransactionError) {
    lazy var deadline = Deadline(after: configuration.lockWait)
    while let (holder, wakeups) = try holder(of: work, reads: reads) {
      writerLock.unlock()
      let isAwake = prepared.wakeups.wait(after: wakeups, until: deadline)
      writerLock.lock()
      guard isAwake else { throw .lockTimeout(holder: holder) }
      try TransactionError.wrapping { () throws(EngineError) in try checkWritable() }
    }
  }

  /// The name of a prepared transaction that holds what `work` needs, and how many were decided
  /// before; call under the writer lock.
  private func holder(
    of work: WriteTransaction, reads: ReadSet? = nil
  ) throws(TransactionError) -> (identifier: [UInt8], wakeups: UInt64)? {
    guard let holder = prepared.blocker(of: work, reads: reads) else { return nil }
    // Counted before the look at whether there can be a decision, so that its end is not missed.
    let wakeups = prepared.wakeups.count
    try TransactionError.wrapping { () throws(EngineError) in try checkWritable() }
    return (holder.identifier, wakeups)
  }

  /// Every tree that was changed must be there still, and no name given may be taken.
  private func checkTrees(
    of work: WriteTransaction, base: TreeSet, _ working: TreeSet
  ) throws(TransactionError) {
    var created: Set<UInt32> = []
    var dropped: Set<UInt32> = []
    for change in work.treeChanges {
      switch change {
      case .create(let id, let name):
        created.insert(id)
        if let other = working.tree(named: name), !dropped.contains(other) {
          throw .nameTaken(StoredName.userName(ofTree: name))
        }
      case .drop(let id):
        dropped.insert(id)
        if working[id] == nil, !created.contains(id) { throw .dropped(name(of: id, in: base)) }
      }
    }
    for tree in work.changes.trees where !created.contains(tree) && working[tree] == nil {
      throw .dropped(name(of: tree, in: base))
    }
  }

  func name(of tree: UInt32, in set: TreeSet) -> String {
    if tree == ReadSet.namesTree { return "the names of trees" }
    let name = set.names.first { $0.value == tree }?.key.text
    return name.map(StoredName.userName) ?? "tree \(tree)"
  }

  /// Nobody may have given another value for a key of an exclusive index.
  private func checkExclusiveKeys(
    of work: WriteTransaction, _ working: TreeSet
  ) throws(TransactionError) {
    for exclusive in work.exclusiveKeys.values {
      guard let tree = working[exclusive.tree] else { continue }
      let stored = try TransactionError.wrapping { () throws(EngineError) in
        try exclusive.key.withBytes { (key) throws(EngineError) in
          try pager.value(forKey: key, in: tree)
        }
      }
      if let stored, stored != exclusive.value, stored != exclusive.replaced {
        throw .duplicateKey(index: exclusive.index, key: exclusive.userKey)
      }
    }
  }

  /// Puts changes into the open group, as `submit` does, and ends their transaction.
  ///
  /// `deciding` is the prepared transaction whose end this is, if so.
  func submitAndEnd(
    _ work: WriteTransaction, deciding number: UInt64? = nil
  ) throws(TransactionError) -> UInt64 {
    do {
      let lsn = try submit(work, deciding: number)
      work.end()
      return lsn
    } catch let error as EngineError {
      throw .engine(error)
    } catch let error as TransactionError {
      throw error
    } catch {
      // Only a commit participant throws anything else.
      throw .refused(reason: "\(error)")
    }
  }
}
