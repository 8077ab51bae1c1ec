// SPDX-License-Identifier: Apache-2.0

/// Putting what has changed in resident trees into their pages.
///
/// Folding changes pages, but not what the store says: the log has all of it already. So a fold is an
/// empty transaction in the log, and recovery does not repeat it. Invariant: a checkpoint has in its
/// pages every change up to its LSN, because what is left is folded in the same moment in which it
/// takes its state.
///
/// Call under the checkpoint lock: one fold at a time.
extension Database {
  private static let mostRounds = 12

  /// Folds until little is left, beside those who commit.
  func foldResidents() throws(EngineError) {
    for _ in 0..<Self.mostRounds {
      let changes = pager.structureLock.withLock {
        residents.pendingCount > configuration.mostLeftToFold ? residents.takePending() : nil
      }
      guard let changes else { return }
      try fold(SortedChanges(changes))
    }
  }

  /// Folds what is left; call under the structure lock as well.
  func foldRest() throws(EngineError) {
    guard residents.pendingCount > 0 else { return }
    let buffer = LogBuffer()
    var changes = SortedChanges(residents.takePending())
    let all = changes
    buffer.append(&changes, atMost: .max)
    do throws(EngineError) {
      try foldSlice(buffer)
    } catch {
      try putBack(all, after: error)
    }
  }

  /// Takes a view like `snapshot()` that also shows resident trees as they are at its moment.
  ///
  /// Where something of such trees is not in their pages yet it is folded first; transactions wait for
  /// the last part of that. May be called within one, which is not part of the view.
  ///
  /// - Throws: `.closed`; where something has to be folded, `.outOfSpace` when there is no room for
  ///   that, `.storage` and `.poisoned` when the disk fails or has failed.
  package func wholeSnapshot() throws(EngineError) -> Snapshot {
    let attached = pager.structureLock.withLock { residents.isEmpty ? residents.attached : nil }
    if let attached {
      let view = try snapshot()
      if pager.structureLock.withLock({ residents.attached == attached }) { return view }
      // What was attached meanwhile may have changed together with what the view shows.
      view.close()
    }
    // Most of the work, beside the writers.
    try checkpointLock.withLock { () throws(EngineError) in try foldResidents() }
    if writerLock.isHeldHere { return try foldAndLook() }
    return try writerLock.withLock { () throws(EngineError) in try foldAndLook() }
  }

  /// Call under the writer lock.
  private func foldAndLook() throws(EngineError) -> Snapshot {
    try checkpointLock.withLock { () throws(EngineError) in
      let lsn = try pager.structureLock.withLock { () throws(EngineError) in
        try foldRest()
        return state.working.lsn
      }
      try settle(lsn, .manual)
      // No page changes before both locks are free.
      return try snapshot()
    }
  }

  /// Folds changes slice by slice.
  private func fold(_ changes: SortedChanges) throws(EngineError) {
    var changes = changes
    let buffer = LogBuffer()
    while changes.current != nil {
      let rest = changes
      buffer.removeAll()
      buffer.append(&changes, atMost: configuration.foldedAtOnce)
      do throws(EngineError) {
        let lsn = try pager.structureLock.withLock { () throws(EngineError) in
          try foldSlice(buffer)
          return state.working.lsn
        }
        // Sets the pages free that were replaced where these are many.
        try settle(lsn, .manual)
      } catch {
        try pager.structureLock.withLock { () throws(EngineError) in
          try putBack(rest, after: error)
        }
      }
    }
  }

  /// Keeps what could not be folded, and throws the reason.
  private func putBack(
    _ changes: SortedChanges, after error: EngineError
  ) throws(EngineError) {
    if queue.poison == nil { try residents.putBack(changes, pager) }
    throw error
  }

  private func foldSlice(_ buffer: LogBuffer) throws(EngineError) {
    try checkWritable()
    reclaimPages()
    let changes = GroupChanges(buffer, 0..<buffer.count)
    let dropped = try droppedTrees(in: changes)
    try applyUnlogged(changes, dropped: dropped)
  }

  /// Changes pages by what the log has already; call under the structure lock.
  func applyUnlogged(
    _ changes: GroupChanges, dropped: [UInt32] = []
  ) throws(EngineError) {
    _ = try logResident(bytes: 0) { _ in
    } reserving: { () throws(EngineError) in
      try pager.reserve(changes, in: state.working)
    }
    do throws(EngineError) {
      try ChangeApplier(pager: pager).apply(changes, dropped: dropped, to: &state.working)
    } catch {
      throw poison(error)
    }
  }

  /// Puts entries of resident trees where they are already, so that their leaves move.
  ///
  /// What the pages have may be older than memory, so it must not get into the log. Call under the
  /// writer lock.
  ///
  /// Returns how many.
  func moveResident(_ entries: [LeafFinder.Entry]) throws(EngineError) -> Int {
    // Larger values are in pages of their own, which no put of the same value moves unlogged.
    let movable = entries.filter { $0.value.count <= PageGeometry.directValueBytes }
    if movable.isEmpty { return 0 }
    let buffer = LogBuffer()
    for entry in movable {
      entry.key.withBytes { key in
        entry.value.withBytes { value in
          buffer.append(
            KeyChange(operation: .put, tree: entry.tree.rawValue, key: key, value: value))
        }
      }
    }
    try pager.structureLock.withLock { () throws(EngineError) in
      try checkWritable()
      reclaimPages()
      try applyUnlogged(GroupChanges(buffer, 0..<buffer.count))
    }
    return movable.count
  }

  /// Trees that were dropped since they changed.
  private func droppedTrees(in changes: GroupChanges) throws(EngineError) -> [UInt32] {
    var changes = changes
    var dropped: [UInt32] = []
    var last: UInt32 = 0
    while let change = changes.current {
      if change.tree != last, state.working[change.tree] == nil { dropped.append(change.tree) }
      last = change.tree
      changes.advance()
    }
    return dropped
  }
}

extension LogBuffer {
  /// Appends the next changes of a source.
  fileprivate func append(_ changes: inout SortedChanges, atMost limit: Int) {
    var count = 0
    while count < limit, let change = changes.current {
      append(change)
      count += 1
      changes.advance()
    }
  }
}
