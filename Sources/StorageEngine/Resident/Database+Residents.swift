// SPDX-License-Identifier: Apache-2.0

/// Commits to trees that live in memory.
extension Database {
  /// Bytes that may wait to be written before a commit waits for it.
  private static let unwrittenResidentLimit = 1 << 20
  /// How many times the bytes between two checkpoints may wait to be folded.
  private static let mostCheckpointsBehind = 4

  /// Has the entries of a tree live in `contents` from now on.
  ///
  /// What the pages hold is the owner's to read, before it changes anything. A snapshot shows the tree
  /// as it was at the last checkpoint.
  ///
  /// - Throws: `.treeNotFound`; `.treeInUse` when it is attached already or a prepared transaction
  ///   changes it; `.closed`, `.readOnly`, `.poisoned`.
  package func attachResident(
    _ tree: TreeID, _ contents: any ResidentContents
  ) throws(EngineError) -> ResidentTree {
    try writerLock.withLock { () throws(EngineError) in
      try checkChangeable()
      let isPrepared = prepared.inDoubt.values.contains {
        $0.changes.trees.contains(tree.rawValue)
      }
      try pager.structureLock.withLock { () throws(EngineError) in
        guard state.working[tree.rawValue] != nil else {
          throw .treeNotFound("number \(tree.rawValue)")
        }
        guard !isPrepared, !residents.has(tree.rawValue) else {
          throw .treeInUse("number \(tree.rawValue)")
        }
        residents.attach(tree.rawValue, contents)
      }
      return ResidentTree(tree, self)
    }
  }

  func detachResident(_ tree: TreeID) throws(EngineError) {
    try writerLock.withLock { () throws(EngineError) in
      guard residents.has(tree.rawValue) else { return }
      let wasClosed = pager.structureLock.withLock {
        defer { residents.pausedTree = tree.rawValue }
        return residents.isClosed
      }
      defer { pager.structureLock.withLock { residents.pausedTree = 0 } }
      if !wasClosed {
        try checkpointLock.withLock { () throws(EngineError) in try runCheckpoint() }
      }
      pager.structureLock.withLock { residents.detach(tree.rawValue) }
    }
  }

  /// Logs one change of a resident tree and has its owner apply it.
  func commitResident(
    _ change: KeyChange, apply: () -> Void
  ) throws(EngineError) -> UInt64 {
    try pager.structureLock.withLock { () throws(EngineError) in
      try checkResident(change.tree)
      let lsn = try logResident(bytes: change.recordBytes) { $0.append(change) }
      try remember(change)
      apply()
      return lsn
    }
  }

  /// Logs changes of resident trees as one transaction, then calls `apply`; returns the LSN.
  ///
  /// As `ResidentTree.put`, for several changes: after a crash all of them are there, or none.
  ///
  /// - Throws: What `ResidentTree.put` throws; `.transactionTooLong`.
  @discardableResult
  package func commit(
    _ batch: borrowing ResidentBatch, apply: () -> Void
  ) throws(EngineError) -> UInt64 {
    let changes = SortedChanges(batch.changes)
    let trees = batch.changes.trees
    let bytes = batch.changes.loggedBytes
    return try pager.structureLock.withLock { () throws(EngineError) in
      for tree in trees { try checkResident(tree) }
      if trees.isEmpty {
        apply()
        return state.working.lsn
      }
      guard bytes <= configuration.transactionBytes else {
        throw .transactionTooLong(limit: configuration.transactionBytes)
      }
      let lsn = try logResident(bytes: bytes) { log in changes.forEachRecord { log.append($0) } }
      var rest = changes
      while let change = rest.current {
        try remember(change)
        rest.advance()
      }
      apply()
      return lsn
    }
  }

  private func checkResident(_ tree: UInt32) throws(EngineError) {
    try checkChangeable()
    if residents.isClosed { throw .closed }
    guard residents.has(tree), residents.pausedTree != tree else {
      throw .treeNotFound("number \(tree), as one that lives in memory")
    }
  }

  private func remember(_ change: KeyChange) throws(EngineError) {
    do throws(EngineError) {
      try residents.note(change, pager)
    } catch {
      throw poison(error)
    }
  }

  /// Appends a transaction to the open group; call under the structure lock.
  func logResident(
    bytes: Int, _ changes: (LogBuffer) -> Void
  ) throws(EngineError) -> UInt64 {
    if state.open.count >= configuration.groupBytes { seal() }
    let open = state.open
    let start = open.count
    open.makeRoom(bytes + LogRecord.headerBytes)
    let lsn = state.working.lsn + 1
    open.appendCommit(lsn: lsn) { changes(open) }
    do throws(EngineError) {
      try state.log.reserve(payload: open.count, pager: pager)
    } catch {
      open.truncate(to: start)
      if case .outOfSpace = error { state.log.cancelReservation(map: &pager.map) }
      throw poisonIfBroken(error)
    }
    state.loggedBytes += open.count - start
    state.working.lsn = lsn
    return lsn
  }

  /// Waits until a commit to resident trees is as durable as asked, and longer where very much waits
  /// to be written or folded.
  ///
  /// Call without locks.
  ///
  /// - Throws: `.poisoned` when the disk failed: then the commit may be lost. `.closed`.
  package func settleResident(
    _ lsn: UInt64, _ durability: Durability
  ) throws(EngineError) {
    let (unwritten, isDue, isBehind) = pager.structureLock.withLock {
      (
        state.sealed.reduce(state.open.count) { $0 + $1.payload.count },
        state.loggedBytes >= configuration.checkpointBytes && !state.checkpointScheduled,
        state.loggedBytes >= Self.mostCheckpointsBehind * configuration.checkpointBytes
      )
    }
    if isDue { scheduleCheckpoint() }
    switch durability {
    case .synced: try settle(lsn, .synced)
    case .written: try settle(lsn, .written)
    case .manual, .interval:
      if case .interval(let duration) = durability { flushTimer().arm(duration) }
      if unwritten > Self.unwrittenResidentLimit { try settle(lsn, .written) }
    }
    if isBehind { try checkpoint() }
  }
}
