// SPDX-License-Identifier: Apache-2.0

/// Applying the log.
extension Salvage {
  mutating func replayLog() throws {
    guard superblock != nil else {
      return try loseLog(
        "cannot be found without a superblock, so that the last commits are missing")
    }
    var salvage = self
    do {
      try forEachLogged { transaction in
        try salvage.apply(transaction)
        salvage.lastLSN = max(salvage.lastLSN, transaction.lsn)
        salvage.report.logTransactions += 1
      }
      self = salvage
    } catch let error as EngineError {
      self = salvage
      isLogLost = true
      try lose(nil, .all, error)
    } catch let error as LogRecordReader.Malformed {
      self = salvage
      try loseLog(error.problem)
    }
  }

  private mutating func loseLog(_ problem: String) throws {
    isLogLost = true
    try lose(nil, .all, damage("the log", problem))
  }

  /// Passes on the transactions of the log.
  private func forEachLogged(_ body: (LogRecordReader.Transaction) throws -> Void) throws {
    guard let superblock else { return }
    let payload = LogBuffer()
    var reader = try LogReader(
      pager: pager, store: superblock.logMark, from: superblock.log, claimedGroup: flushedGroup,
      mustBeInFile: true)
    while try reader.next(into: payload) {
      try progress(copied)
      var records = LogRecordReader(payload.bytes)
      while let transaction = try records.next() { try body(transaction) }
      payload.removeAll()
    }
  }

  /// The names that the log gives to trees, with those that have them at its end.
  ///
  /// What is wrong with the log is told when it is applied.
  func loggedNames() throws -> [TreeName: UInt32] {
    var names: [TreeName: UInt32] = [:]
    do {
      try forEachLogged { transaction in
        for case .create(let id, let name) in transaction.trees { names[TreeName(name)] = id }
      }
    } catch is EngineError {
    } catch is LogRecordReader.Malformed {}
    return names
  }

  private mutating func apply(_ logged: LogRecordReader.Transaction) throws {
    let pager = pager
    for case .drop(let id) in logged.trees { dropped.insert(id) }
    let created = try target.write(durability: .manual) { transaction in
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

  /// Whether a tree that the log writes to is one that the damaged catalog does not tell of.
  private func isLost(_ tree: UInt32, to transaction: WriteTransaction) -> Bool {
    guard let lostTrees else { return false }
    return transaction.treeSet[tree] == nil && !dropped.contains(tree)
      && lostTrees.ownTrees[tree] == nil && tree > 0 && tree < .max
  }

  private mutating func noteLogged(_ tree: SalvagedTree, _ changes: [TreeChange]) throws {
    let isNew = places[tree.id] == nil
    note(tree)
    let isCreated = changes.contains { change in
      if case .create(tree.id, _) = change { true } else { false }
    }
    if isNew, !isCreated, let problem = catalog.problem { try lose(tree.id, .all, problem) }
  }
}
