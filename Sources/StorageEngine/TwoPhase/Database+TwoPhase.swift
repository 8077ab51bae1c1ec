// SPDX-License-Identifier: Apache-2.0

/// Two-phase commit.
///
/// A prepared transaction is stored in a tree of its own by an ordinary commit, and decided by
/// another, which makes its changes and marks the tree for the next commit to drop, or drops it; so it
/// survives crashes and checkpoints as any data does, and a decision is never half made.
extension Database {
  /// Checks a transaction and makes it durable without making its changes; returns its number.
  func prepare(
    _ transaction: Transaction, _ work: WriteTransaction
  ) throws(TransactionError) -> UInt64 {
    let (number, lsn) = try exclusively { () throws(TransactionError) in
      try admit(transaction, work, isPreparing: true)
      let trees = work.changes.trees.union(work.droppedTrees)
      if let tree = trees.first(where: residents.has) {
        throw .engine(.treeInUse("number \(tree)"))
      }
      return try store(transaction, work)
    }
    scheduleCheckpointIfDue()
    try TransactionError.wrapping { () throws(EngineError) in try settle(lsn, .synced) }
    return number
  }

  private func store(
    _ transaction: Transaction, _ work: WriteTransaction
  ) throws(TransactionError) -> (number: UInt64, lsn: UInt64) {
    let (number, lsn) = try commitOwn { storing throws(EngineError) -> UInt64 in
      // The LSN it gets as the only writer: so a number never names two, in all the store's life,
      // and a decision that comes late cannot hit another.
      let number = storing.lsn + 1
      let tree = try storing.createStoredTree(named: PreparedTree.name(number))
      let stored = PreparedWork(
        number: number, identifier: transaction.identifier, preparedAt: configuration.clock(),
        state: .inDoubt, tree: tree)
      try storing.takeRecordBounds(of: work)
      var writer = PreparedTreeWriter(storing, tree)
      try writer.append(PreparedTree.header(stored, flags: 0))
      try writer.append(work, transaction.reads)
      return number
    }
    // What was written ahead for the changes is in the tree now.
    work.rollback()
    do throws(TransactionError) {
      try load(number)
    } catch {
      // It is durable, and nothing here would hold what it needs.
      poison(.poisoned(reason: error.description))
      throw error
    }
    return (number, lsn)
  }

  /// Takes a transaction in doubt back out of its tree, as recovery does.
  private func load(_ number: UInt64) throws(TransactionError) {
    let reader = PreparedTreeReader(pager: pager, reader: ownTransaction())
    try TransactionError.wrapping { () throws(EngineError) in
      for work in try reader.readAll() where work.number == number { hold(work) }
    }
  }

  /// Takes all transactions in doubt out of the file, which was just opened.
  func loadPrepared() throws(EngineError) -> [PreparedWork] {
    let all = try PreparedTreeReader(pager: pager, reader: ownTransaction()).readAll()
    for work in all { hold(work) }
    return all
  }

  private func hold(_ work: PreparedWork) {
    for case .create(let id, _) in work.treeChanges { treeNumbers.reserve(id) }
    switch work.state {
    case .inDoubt: prepared.add(work)
    case .committed: prepared.finished.append(work.tree)
    }
  }

  // MARK: Deciding

  /// Makes the changes of a prepared transaction.
  func commitPrepared(
    _ number: UInt64, durability: Durability?
  ) throws(TransactionError) {
    let lsn = try exclusively { () throws(TransactionError) in
      guard var work = prepared.inDoubt[number] else { throw .notInDoubt(number: number) }
      work.state = .committed
      let lsn = try decide(number) { deciding throws(EngineError) in
        try deciding.repeatChanges(of: work, isJoined: state.participant != nil)
      }
      prepared.finished.append(work.tree)
      return lsn
    }
    scheduleCheckpointIfDue()
    try TransactionError.wrapping { () throws(EngineError) in
      try settle(lsn, durability ?? configuration.durability)
    }
  }

  /// Gives up a prepared transaction.
  func rollbackPrepared(_ number: UInt64) throws(TransactionError) {
    let lsn = try exclusively { () throws(TransactionError) in
      guard let work = prepared.inDoubt[number] else { throw .notInDoubt(number: number) }
      return try decide(number) { deciding throws(EngineError) in
        try deciding.dropTree(work.tree)
      }
    }
    try TransactionError.wrapping { () throws(EngineError) in try settle(lsn, .synced) }
  }

  /// Forgets the transactions that were committed, so that nothing can undo what was acknowledged;
  /// where there is no room, the next commit does.
  ///
  /// Call under the writer lock.
  func forgetFinished() {
    let trees = prepared.finished
    if trees.isEmpty { return }
    let lsn = try? commitSilently { forgetting throws(EngineError) in
      _ = try forgetting.forget(trees)
    }
    if lsn != nil { prepared.finished.removeAll() }
  }

  /// Commits what becomes of a prepared transaction, and lets go of what it held.
  private func decide(
    _ number: UInt64, _ body: (WriteTransaction) throws(EngineError) -> Void
  ) throws(TransactionError) -> UInt64 {
    let lsn = try commitOwn(deciding: number, body).lsn
    prepared.remove(number)
    return lsn
  }
}

extension WriteTransaction {
  /// Takes over the bounds of record numbers: of segments that are there as changes of its own, of
  /// new ones as changes of the transaction that makes them.
  fileprivate func takeRecordBounds(of work: WriteTransaction) throws(EngineError) {
    for (segment, number) in work.recordNumbers {
      if treeSet[segment] != nil {
        recordNumbers[segment] = number
      } else {
        try work.put(
          SegmentTree.bound(number + 1), forKey: SegmentTree.boundKey, in: TreeID(rawValue: segment)
        )
      }
    }
  }

  /// Makes the changes of a prepared transaction, and notes in its tree what they replace.
  fileprivate func repeatChanges(
    of work: PreparedWork, isJoined: Bool
  ) throws(EngineError) {
    var flags = isJoined ? PreparedTree.joinedFlag : 0
    for change in work.treeChanges {
      switch change {
      case .create(let id, let name): create(id, named: name)
      case .drop(let id) where treeSet[id] != nil:
        if !hasCreated(TreeID(rawValue: id)) { flags |= PreparedTree.incompleteUndoFlag }
        try dropTree(TreeID(rawValue: id))
      case .drop: break
      }
    }
    var writer = PreparedTreeWriter(self, work.tree, from: PreparedTree.firstUndo)
    for entry in work.changes.entries {
      let change = entry.change
      let key = change.key.array
      let tree = TreeID(rawValue: change.tree)
      let old = try value(forKey: key, in: tree)
      if let old, old.count > PreparedTree.longestUndo {
        flags |= PreparedTree.incompleteUndoFlag
      } else {
        try writer.append(
          PreparedTree.entry(old == nil ? .undoAbsent : .undo, change.tree, key, old ?? []))
      }
      if change.operation == .delete {
        try delete(key, in: tree)
      } else {
        try put(change.value.array, forKey: key, in: tree)
      }
    }
    try put(
      PreparedTree.header(work, flags: flags), forKey: PreparedTree.key(0), in: work.tree)
  }
}

extension Transaction {
  /// First phase: checks for conflicts and makes the changes durable, without showing them.
  ///
  /// What it wrote, and what its strategy needs to stay unchanged, is held until it is decided:
  /// commits of others that need it wait. It stays in doubt over crashes; see `RecoveryPlan`.
  public func prepare() throws(TransactionError) -> PreparedTransaction {
    let database = database
    let number = try withWrites(orThrow: TransactionError.ended) {
      (work) throws(TransactionError) -> UInt64 in
      defer { end() }
      do throws(TransactionError) {
        return try database.prepare(self, work)
      } catch {
        work.rollback()
        throw error
      }
    }
    return PreparedTransaction(database, number, options)
  }
}
