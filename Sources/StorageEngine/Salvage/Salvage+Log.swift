// SPDX-License-Identifier: Apache-2.0

/// Applying the log.
extension Salvage {
  mutating func replayLog() throws {
    guard superblock != nil else {
      let problem = "cannot be found without a superblock, so that the last commits are missing"
      return try loseLogged(damage("the log", problem))
    }
    var salvage = self
    try forEachLogged { logged in
      do {
        try salvage.replay(try logged.get())
      } catch let error as EngineError {
        try salvage.loseLogged(error)
      }
    }
    self = salvage
  }

  private mutating func loseLogged(_ problem: EngineError) throws {
    if logProblem == nil { logProblem = problem }
    isGapTold = true
    try lose(nil, .all, problem)
  }

  /// Passes on the transactions of the log, and what is wrong between them.
  private func forEachLogged(
    _ body: (Result<LogRecordReader.Transaction, EngineError>) throws -> Void
  ) throws {
    guard let superblock else { return }
    let log = LogRemains(pager: pager, superblock: superblock, flushedGroup: flushedGroup) {
      [progress, copied] in try progress(copied)
    }
    try log.forEachGroup { group in
      switch group {
      case .failure(let problem): try body(.failure(problem))
      case .success(let bytes):
        var records = LogRecordReader(bytes)
        do {
          while let transaction = try records.next() { try body(.success(transaction)) }
        } catch let error as LogRecordReader.Malformed {
          try body(.failure(damage("the log", error.problem)))
        }
      }
    }
  }

  /// The names that the log gives to trees, with those that have them at its end.
  ///
  /// What is wrong with the log is told when it is applied.
  func loggedNames() throws -> [TreeName: UInt32] {
    var names: [TreeName: UInt32] = [:]
    try forEachLogged { logged in
      guard case .success(let transaction) = logged else { return }
      for case .create(let id, let name) in transaction.trees { names[TreeName(name)] = id }
    }
    return names
  }

  /// Applies a transaction, unless a later one was applied already.
  private mutating func replay(_ logged: LogRecordReader.Transaction) throws {
    let isNext = appliedLSN < .max && logged.lsn == appliedLSN + 1
    if !isNext, !isGapTold || logged.lsn <= appliedLSN {
      let problem = "holds transaction \(logged.lsn) after \(appliedLSN)"
      try loseLogged(damage("the log", problem))
    }
    isGapTold = false
    guard logged.lsn > appliedLSN else { return }
    report.lostLogTransactions &+= logged.lsn - appliedLSN - 1
    appliedLSN = logged.lsn
    lastLSN = max(lastLSN, logged.lsn)
    if logProblem != nil, firstBehindDamage == nil { firstBehindDamage = logged.lsn }
    do {
      try apply(logged)
      report.logTransactions += 1
    } catch {
      report.lostLogTransactions &+= 1
      throw error
    }
  }

  private mutating func apply(_ logged: LogRecordReader.Transaction) throws {
    let pager = pager
    for change in logged.trees {
      switch change {
      case .drop(let id): dropped.insert(id)
      case .create(let id, StoredName.snapshots): dropped.insert(id)
      case .create(let id, let name): givenNames[id] = name
      }
    }
    let created = try target.write(durability: .manual) { transaction in
      try dropReplacedTrees(by: logged.trees, in: transaction)
      var created = try logged.trees.compactMap { try transaction.repeatIfPossible($0) }
      var sources: [any ChangeSource] = []
      for part in logged.spilled { sources.append(try SpilledChanges(part, pager)) }
      let merge = ChangeMerge(sources + [LoggedChanges(logged.changes)])
      while let change = merge.current {
        let tree = TreeID(rawValue: change.tree)
        if isLost(change.tree, to: transaction) {
          created.append(create(change.tree, in: transaction))
        }
        if transaction.treeSet[change.tree] != nil {
          switch change.operation {
          case .put: try transaction.put(change.value.array, forKey: change.key.array, in: tree)
          case .putDirect:
            let value = try pager.directValue(change.value)
            try transaction.put(value, forKey: change.key.array, in: tree)
          case .delete: try transaction.delete(change.key.array, in: tree)
          }
        }
        try merge.advance()
      }
      return created
    }
    for tree in created { try noteLogged(tree, logged.trees) }
  }

  /// Drops trees whose names are given to others: what dropped them is in a lost part of the log.
  private mutating func dropReplacedTrees(
    by changes: [TreeChange], in transaction: WriteTransaction
  ) throws {
    guard firstBehindDamage != nil, lostTrees == nil else { return }
    for case .create(let id, let name) in changes {
      guard let replaced = transaction.treeSet.tree(named: name), replaced != id else { continue }
      try transaction.dropTree(TreeID(rawValue: replaced))
      dropped.insert(replaced)
    }
  }

  /// Whether a tree that the log writes to is one that the damaged catalog does not tell of, or a
  /// lost part of the log made.
  private func isLost(_ tree: UInt32, to transaction: WriteTransaction) -> Bool {
    (lostTrees != nil || logProblem != nil) && transaction.treeSet[tree] == nil
      && !dropped.contains(tree) && lostTrees?.ownTrees[tree] == nil && tree > 0 && tree < .max
  }

  private mutating func noteLogged(_ tree: SalvagedTree, _ changes: [TreeChange]) throws {
    let isNew = places[tree.id] == nil
    note(tree)
    let isCreated = changes.contains { change in
      if case .create(tree.id, _) = change { true } else { false }
    }
    if isNew, !isCreated, let problem = catalog.problem ?? logProblem {
      try lose(tree.id, .all, problem)
    }
  }
}
