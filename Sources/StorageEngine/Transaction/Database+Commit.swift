// SPDX-License-Identifier: Apache-2.0

/// The way of a commit: into the open group, into the trees, to the disk, to the readers.
extension Database {
  /// Payload of groups above which a commit that need not wait flushes them all the same.
  ///
  /// A flush costs little for so many commits, and sets the pages free that they replaced: memory
  /// that was used before is much faster than memory that was not.
  private static let unwrittenLimit = 1 << 20

  /// After a look, so many commits without a flush are shown at once.
  private static let commitsWatched = 64
  /// Changes of a transaction for which a reader may be kept waiting.
  private static let shortWork = 64

  /// Gives back the pages that nothing can show any more.
  ///
  /// Call under the structure lock.
  func reclaimPages() {
    let (durable, published) = pager.snapshots.lock.withLock {
      (state.durable.lsn, state.published.lsn)
    }
    pager.reclaim(durable: durable, published: published)
  }

  /// Puts a transaction into the open group and applies it; returns its LSN.
  ///
  /// Fails without a trace unless the trees could not be read or written, which poisons the
  /// database. Call under the writer lock; `deciding` is the prepared transaction whose end this
  /// is, if so.
  func submit(_ transaction: WriteTransaction, deciding number: UInt64? = nil) throws -> UInt64 {
    if !transaction.isEmpty { try state.participant?.prepareCommit(transaction) }
    if transaction.isEmpty { return pager.structureLock.withLock { state.working.lsn } }
    if let holder = prepared.blocker(of: transaction, except: number) {
      throw TransactionError.lockTimeout(holder: holder.identifier)
    }
    // A note describes the state that this one replaces.
    state.note = nil
    let bounds = try transaction.storeRecordBounds()
    let forgotten = try transaction.forget(prepared.finished)
    let lsn = try makingRoom { () throws(EngineError) in try append(transaction) }
    for (segment, bound) in bounds { recordNumbers.noteStored(segment, bound: bound) }
    prepared.finished.removeFirst(forgotten)
    return lsn
  }

  /// Runs `body`; where there is no room, once more after the log has given back what it can.
  ///
  /// Call under the writer lock.
  func makingRoom(_ body: () throws(EngineError) -> UInt64) throws(EngineError) -> UInt64 {
    do throws(EngineError) {
      return try body()
    } catch {
      guard case .outOfSpace = error else { throw error }
      try giveUpLog()
      return try body()
    }
  }

  /// Appends a transaction to the log's open group and applies it.
  ///
  /// A silent one changes nothing that anybody could be at odds with. With `packsLeaves` the leaves that
  /// it touches are packed. No checkpoint comes between the transaction and `alongside`.
  func append(
    _ transaction: WriteTransaction, isSilent: Bool = false, packsLeaves: Bool = false,
    alongside: () -> Void = {}
  ) throws(EngineError) -> UInt64 {
    let owners = residents.owners(of: transaction)
    for owner in owners { owner.lockChanges() }
    defer { for owner in owners { owner.unlockChanges() } }
    return try pager.structureLock.withLock { () throws(EngineError) in
      try checkWritable()
      reclaimPages()
      showBeforeLongWork(transaction)
      // What a dropped tree had in memory was given back when it was dropped.
      let changes = SortedChanges(transaction.changes.recent, without: transaction.droppedTrees)
      // A group is read and written as a whole: one that is long enough is not made longer.
      if state.open.count >= configuration.groupBytes { seal() }
      let lsn = state.working.lsn + 1
      let logged = try log(transaction, changes, lsn)
      // Else its trees would be copied before they change.
      transaction.treeSet = TreeSet()
      do throws(EngineError) {
        try ChangeApplier(pager: pager, residents: residents, packsLeaves: packsLeaves).apply(
          transaction.treeChanges, transaction.changes.spilled, logged, to: &state.working)
      } catch {
        throw poison(error)
      }
      state.working.lsn = lsn
      alongside()
      if transaction.wroteDirectly { state.openFlushesFirst = true }
      window.note(lsn, isSilent ? nil : transaction)
      return lsn
    }
  }

  /// Appends a transaction to the open group, once the space for it is certain; returns its changes
  /// as they lie there, one behind the other.
  private func log(
    _ transaction: WriteTransaction, _ changes: SortedChanges, _ lsn: UInt64
  ) throws(EngineError) -> GroupChanges {
    let start = state.open.count
    prepareBuffer(for: transaction.changes.recent.loggedBytes)
    let range = state.open.append(
      lsn: lsn, trees: transaction.treeChanges, spilled: transaction.changes.spilled,
      sorted: changes)
    let logged = GroupChanges(state.open, range)
    do throws(EngineError) {
      let limit = configuration.transactionBytes
      guard state.open.count - start <= limit else {
        throw EngineError.transactionTooLong(limit: limit)
      }
      try state.log.reserve(payload: state.open.count, pager: pager)
      try pager.reserve(for: transaction, logged, in: state.working)
    } catch {
      state.open.truncate(to: start)
      // What was taken for the log would be missing where a smaller transaction still fits.
      if case .outOfSpace = error { state.log.cancelReservation(map: &pager.map) }
      throw poisonIfBroken(error)
    }
    state.loggedBytes += state.open.count - start
    return logged
  }

  /// Makes room in the open group; a large transaction takes the largest buffer there is.
  private func prepareBuffer(for bytes: Int) {
    if state.open.count == 0, bytes > state.open.capacity,
      let place = state.spare.indices.max(by: {
        state.spare[$0].capacity < state.spare[$1].capacity
      })
    {
      swap(&state.open, &state.spare[place])
    }
    state.open.makeRoom(bytes)
  }

  /// Refuses writes from now on and shows the last durable state.
  ///
  /// Returns the error to throw.
  @discardableResult
  func poison(_ error: EngineError) -> EngineError {
    let reason: EngineError
    if case .poisoned = error { reason = error } else { reason = .poisoned(reason: "\(error)") }
    queue.fail(reason)
    let registry = pager.snapshots
    registry.lock.withLock {
      state.published = state.durable
      state.unshownLSN = 0
    }
    // No decision can come any more.
    prepared.wakeups.advance()
    return error
  }

  /// Poisons after a failed call to the disk; a full disk and bad requests leave it usable.
  func poisonIfBroken(_ error: EngineError) -> EngineError {
    if case .storage = error { return poison(error) }
    return error
  }

  /// Waits until a commit is as durable as asked.
  package func settle(_ lsn: UInt64, _ durability: Durability) throws(EngineError) {
    // Also after the database was closed: what is durable is as durable as anyone asks.
    if lsn <= queue.durableLSN { return }
    switch durability != .synced && isCrowded ? .synced : durability {
    case .synced: try queue.wait(for: lsn, flushed: true, lead: lead)
    case .written: try queue.wait(for: lsn, flushed: false, lead: lead)
    case .manual: try publishUnwritten(lsn)
    case .interval(let duration):
      try publishUnwritten(lsn)
      flushTimer().arm(duration)
    }
  }

  /// Whether pages that were replaced take much of the memory, because a crash could bring back
  /// the states they were part of.
  ///
  /// Only a flush sets them free. Those of branches cannot be written before a checkpoint, so that
  /// many small commits without a flush would fill the memory with them.
  private var isCrowded: Bool {
    pager.structureLock.withLock { pager.pending.count > pager.pool.frameCount / 2 }
  }

  /// Shows a commit to readers before it is written, or has the next reader show it.
  private func publishUnwritten(_ lsn: UInt64) throws(EngineError) {
    let waiting = try pager.structureLock.withLock { () throws(EngineError) in
      try checkWritable()
      if isWatched(upTo: state.working.lsn) { showWorking() }
      return state.sealed.reduce(state.open.count) { $0 + $1.payload.count }
    }
    if waiting > Self.unwrittenLimit { try queue.wait(for: lsn, flushed: true, lead: lead) }
  }

  func flushTimer() -> FlushTimer {
    pager.structureLock.withLock {
      if let timer = state.timer { return timer }
      let timer = FlushTimer { [weak self] in try? self?.flush() }
      state.timer = timer
      return timer
    }
  }

  /// Ends the open group.
  ///
  /// Call under the structure lock.
  func seal() {
    let payload = state.open
    let placements = state.log.place(payload: payload.count)
    let number = state.log.nextGroup
    if payload.count > 0 { state.log.nextGroup += 1 }
    state.sealed.append(
      CommitGroup(
        number: number, state: state.working, payload: payload, placements: placements,
        flushesFirst: state.openFlushesFirst, end: state.log.position(previousChecksum: 0)))
    state.open = state.spare.popLast() ?? LogBuffer()
    state.openFlushesFirst = false
    pager.openBirth = state.working.lsn + 1
  }

  /// Writes everything that is waiting, as the leader of the commit queue; returns the LSN of the
  /// last transaction that has been written.
  func lead(flushing: Bool) throws(EngineError) -> UInt64 {
    let groups = try pager.structureLock.withLock { () throws(EngineError) in
      // What a transaction that failed half-way left behind must not be written.
      if let poison = queue.poison { throw poison }
      if state.open.count > 0 { seal() }
      defer { state.sealed.removeAll(keepingCapacity: true) }
      return state.sealed
    }
    do {
      // What was only handed to the system before has to be flushed as well, in order.
      if flushing && state.writer.flushedGroup < state.writer.writtenGroup {
        try pager.storage.flush()
        state.writer.flushedGroup = state.writer.writtenGroup
      }
      for group in groups {
        try state.writer.write(group, durably: flushing)
        if flushing && !group.placements.isEmpty { state.writer.flushedGroup = group.number }
      }
    } catch {
      throw poison(.poisoned(reason: error.description))
    }
    for group in groups where !group.placements.isEmpty { state.writer.writtenGroup = group.number }
    if let last = groups.last { state.writer.writtenState = last.state }
    let newest = state.writer.writtenState
    publish(newest, durable: flushing)
    recycle(groups)
    return newest.lsn
  }

  /// Whether somebody looked lately; otherwise what is shown may wait until somebody does.
  ///
  /// As long as nobody saw them, the pages of a commit can be changed in place by the next.
  private func isWatched(upTo lsn: UInt64) -> Bool {
    pager.snapshots.lock.withLock {
      state.watchedCommits = max(0, state.watchedCommits - 1)
      if state.watchedCommits == 0 { state.unshownLSN = lsn }
      return state.watchedCommits > 0
    }
  }

  /// Shows the working state to readers.
  ///
  /// Call under the structure lock.
  private func showWorking() {
    // The group stays open for more, but its pages can be seen from now on.
    pager.openBirth = state.working.lsn + 1
    publish(state.working, durable: false)
  }

  /// Shows what nobody has looked at yet where a reader would have to wait for long.
  ///
  /// Call under the structure lock.
  private func showBeforeLongWork(_ transaction: WriteTransaction) {
    let changes = transaction.changes
    let isLong =
      changes.recent.entries.count > Self.shortWork || !changes.spilled.isEmpty
      || !transaction.treeChanges.isEmpty
    if isLong, pager.snapshots.lock.withLock({ state.hasUnshown }) { showWorking() }
  }

  /// Calls `body` under the lock of the snapshot registry with what readers see, which holds all that
  /// was committed before.
  func withPublished<R>(_ body: (TreeSet) -> R) -> R {
    let lock = pager.snapshots.lock
    lock.lock()
    defer { lock.unlock() }
    state.watchedCommits = Self.commitsWatched
    if state.hasUnshown {
      // The structure lock is never waited for under this one.
      lock.unlock()
      defer { lock.lock() }
      pager.structureLock.withLock { showWorking() }
    }
    return body(state.published)
  }

  private func publish(_ newest: TreeSet, durable: Bool) {
    let registry = pager.snapshots
    registry.lock.withLock {
      // What a failed disk has lost is not shown again by one who did not know.
      if !durable, queue.poison != nil { return }
      if newest.lsn > state.published.lsn { state.published = newest }
      if durable && newest.lsn > state.durable.lsn { state.durable = newest }
    }
  }

  private func recycle(_ groups: [CommitGroup]) {
    guard !groups.isEmpty else { return }
    pager.structureLock.withLock {
      for group in groups where state.spare.count < 4 {
        let hasLarge = state.spare.contains { $0.capacity > LogBuffer.keptBytes }
        group.payload.removeAll(
          keeping: hasLarge ? LogBuffer.keptBytes : LogBuffer.largeKeptBytes)
        state.spare.append(group.payload)
      }
    }
  }
}
