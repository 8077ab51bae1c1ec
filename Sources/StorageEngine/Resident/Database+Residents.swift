// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Commits to trees that live in memory.
extension Database {
  /// Bytes that may wait to be written before a commit waits for it.
  private static let unwrittenResidentLimit = 1 << 20
  /// How many times the bytes between two checkpoints may wait to be folded.
  private static let mostCheckpointsBehind = 4

  /// Has the entries of a tree live in `contents` from now on.
  ///
  /// What the pages hold is the owner's to read, before it changes anything; `lockChanges` has to be
  /// held from before this call until it is read, where transactions may change the tree meanwhile. A
  /// snapshot shows of the tree what was folded when it was taken: the last changes may be missing,
  /// and of what was committed together a part; named and whole snapshots show all of it.
  ///
  /// - Throws: `.treeNotFound`; `.treeInUse` when it is attached already or a prepared transaction
  ///   has to do with it; `.invalidTreeName` for a segment, an index or a tree of the engine's own;
  ///   `.closed`, `.readOnly`, `.poisoned`; what a checkpoint throws, where an owner has given the
  ///   tree up and it was not folded since.
  package func attachResident(
    _ tree: TreeID, _ contents: any ResidentContents
  ) throws(EngineError) -> ResidentTree {
    let attachment = ResidentAttachment(tree.rawValue, contents)
    let lsn = try writerLock.withLock { () throws(EngineError) in
      try checkChangeable()
      let isGivenUp = pager.structureLock.withLock { residents.isGivenUp(tree.rawValue) }
      if isGivenUp { try detachGivenUp() }
      let isPrepared = prepared.inDoubt.values.contains { $0.concerns(tree.rawValue) }
      return try pager.structureLock.withLock { () throws(EngineError) in
        guard state.working[tree.rawValue] != nil else {
          throw .treeNotFound("number \(tree.rawValue)")
        }
        let name = state.working.names.first { $0.value == tree.rawValue }?.key.text ?? ""
        if StoredName.isReserved(name) { throw .invalidTreeName(name) }
        guard !isPrepared, !residents.has(tree.rawValue) else {
          throw .treeInUse("number \(tree.rawValue)")
        }
        residents.attach(attachment)
        return state.working.lsn
      }
    }
    // What was committed before is to be seen by whoever loads the tree now.
    try settle(lsn, .synced)
    return ResidentTree(attachment, self)
  }

  func detachResident(_ attachment: ResidentAttachment) throws(EngineError) {
    try writerLock.withLock { () throws(EngineError) in
      guard attachment.place == ObjectIdentifier(residents) else { return }
      pager.structureLock.withLock { attachment.isPaused = true }
      do throws(EngineError) {
        try checkpointLock.withLock { () throws(EngineError) in try runCheckpoint() }
      } catch {
        pager.structureLock.withLock { attachment.isPaused = false }
        throw error
      }
      pager.structureLock.withLock { residents.detach(attachment.tree) }
    }
  }

  /// See `ResidentTree.giveUp`.
  func giveUpResident(_ attachment: ResidentAttachment) {
    let mustWait = pager.structureLock.withLock {
      (attachment.isPaused, attachment.isGivenUp) = (true, true)
      return residents.areLockedHere
    }
    residents.mayBeGivenUp.store(true, ordering: .sequentiallyConsistent)
    if mustWait || writerLock.isHeldHere { return }
    // What cannot be done now is done later.
    try? writerLock.withLock { () throws(EngineError) in try detachGivenUp() }
  }

  /// Folds and detaches the trees whose owners have gone; call under the writer lock.
  func detachGivenUp() throws(EngineError) {
    guard residents.mayBeGivenUp.load(ordering: .relaxed) else { return }
    residents.mayBeGivenUp.store(false, ordering: .sequentiallyConsistent)
    let givenUp = pager.structureLock.withLock { residents.givenUp }
    if givenUp.isEmpty { return }
    do throws(EngineError) {
      try checkpointLock.withLock { () throws(EngineError) in try runCheckpoint() }
    } catch {
      residents.mayBeGivenUp.store(true, ordering: .sequentiallyConsistent)
      throw error
    }
    pager.structureLock.withLock {
      for attachment in givenUp { residents.detach(attachment.tree) }
    }
  }

  /// Logs one change of a resident tree and has its owner apply it.
  func commitResident(
    _ change: KeyChange, _ attachment: ResidentAttachment, apply: () -> Void
  ) throws(EngineError) -> UInt64 {
    try askingForRoom { () throws(EngineError) in
      try pager.structureLock.withLock { () throws(EngineError) in
        try check(attachment)
        let lsn = try logResident(bytes: change.recordBytes) { $0.append(change) }
        try remember(change)
        apply()
        return lsn
      }
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
    let attachments = batch.attachments
    let bytes = batch.changes.loggedBytes
    guard bytes <= configuration.transactionBytes else {
      throw .transactionTooLong(limit: configuration.transactionBytes)
    }
    return try askingForRoom { () throws(EngineError) in
      try pager.structureLock.withLock { () throws(EngineError) in
        for attachment in attachments { try check(attachment) }
        if attachments.isEmpty {
          apply()
          return state.working.lsn
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
  }

  private func check(_ attachment: ResidentAttachment) throws(EngineError) {
    try checkChangeable()
    if residents.isClosed { throw .closed }
    guard attachment.place == ObjectIdentifier(residents), !attachment.isPaused else {
      throw .treeNotFound("number \(attachment.tree), as one that lives in memory")
    }
  }

  private func remember(_ change: KeyChange) throws(EngineError) {
    do throws(EngineError) {
      try residents.note(change, pager)
    } catch {
      throw poison(error)
    }
  }

  /// Has a checkpoint made where there was no room: it may give back what the log took.
  private func askingForRoom(
    _ body: () throws(EngineError) -> UInt64
  ) throws(EngineError) -> UInt64 {
    do throws(EngineError) {
      return try body()
    } catch {
      if case .outOfSpace = error { scheduleCheckpoint() }
      throw error
    }
  }

  /// Appends a transaction to the open group, once `reserving` has made sure of what it needs besides;
  /// call under the structure lock.
  func logResident(
    bytes: Int, _ changes: (LogBuffer) -> Void,
    reserving: () throws(EngineError) -> Void = { () throws(EngineError) in }
  ) throws(EngineError) -> UInt64 {
    if state.open.count >= configuration.groupBytes { seal() }
    let open = state.open
    let start = open.count
    open.makeRoom(bytes + LogRecord.headerBytes)
    let lsn = state.working.lsn + 1
    open.appendCommit(lsn: lsn) { changes(open) }
    do throws(EngineError) {
      try state.log.reserve(payload: open.count, pager: pager)
      try reserving()
    } catch {
      open.truncate(to: start)
      if case .outOfSpace = error { state.log.cancelReservation(map: &pager.map) }
      throw poisonIfBroken(error)
    }
    state.loggedBytes += open.count - start
    state.working.lsn = lsn
    return lsn
  }

  /// Waits until a commit is as durable as asked, and longer where very much waits to be written or
  /// folded.
  ///
  /// Call without locks.
  ///
  /// - Throws: `.poisoned` when the disk failed: then the commit may be lost. `.closed`.
  package func settleResident(
    _ lsn: UInt64, _ durability: Durability
  ) throws(EngineError) {
    let (waited, isBehind) = prepareToSettle(durability)
    if let waited { try settle(lsn, waited) }
    if isBehind { try catchUp() }
  }

  /// As `settleResident`, and gives the thread to other tasks meanwhile; waits for all commits so far
  /// where no one is named.
  package func settleResidentWithoutBlocking(
    _ lsn: UInt64?, _ durability: Durability
  ) async throws(EngineError) {
    if lsn == nil { try checkWritable() }
    let (waited, isBehind) = prepareToSettle(durability)
    if let waited {
      let commit = PendingCommit(
        database: self, lsn: lsn ?? working.lsn, durability: waited)
      try await commit.waitWithoutBlocking()
    }
    guard isBehind else { return }
    let result = await withCheckedContinuation { continuation in
      BackgroundThread.start {
        continuation.resume(returning: Result { () throws(EngineError) in try self.catchUp() })
      }
    }
    try result.get()
  }

  /// Has a checkpoint made that is due; returns what is to be waited for, and whether so much waits to
  /// be folded that a checkpoint is to be waited for as well.
  private func prepareToSettle(_ durability: Durability) -> (waited: Durability?, isBehind: Bool) {
    let (unwritten, isDue, isBehind) = pager.structureLock.withLock {
      (
        state.sealed.reduce(state.open.count) { $0 + $1.payload.count },
        !state.checkpointScheduled && state.loggedBytes >= configuration.checkpointBytes,
        state.loggedBytes >= Self.mostCheckpointsBehind * configuration.checkpointBytes
      )
    }
    if isDue { scheduleCheckpoint() }
    switch durability {
    case .synced, .written: return (durability, isBehind)
    case .manual, .interval:
      if case .interval(let duration) = durability { flushTimer().arm(duration) }
      return (unwritten > Self.unwrittenResidentLimit ? .written : nil, isBehind)
    }
  }

  /// Waits for a checkpoint; without room for it the commit stands all the same.
  private func catchUp() throws(EngineError) {
    do throws(EngineError) {
      try checkpoint()
    } catch {
      if error != .outOfSpace { throw error }
    }
  }
}
