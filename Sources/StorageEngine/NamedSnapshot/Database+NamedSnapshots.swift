// SPDX-License-Identifier: Apache-2.0

/// Held while a named snapshot is made or dropped; also remembers what was counted.
final class NamedSnapshotLock: @unchecked Sendable {
  let lock = Lock()
  /// Under `lock`: the pages that only snapshots from earlier sessions see, once counted.
  var earlierPages: [SnapshotPages.Found]?
}

/// States that are kept under a name.
///
/// Such a snapshot is an entry in a tree of the engine's own: the roots of all trees as a
/// checkpoint wrote them. Invariants:
/// - when it is acknowledged, neither superblock is older than its state;
/// - the extent map of every checkpoint has the pages marked that the snapshots of its state see,
///   and no others beside its own;
/// - what a dropped one has seen is used again when neither superblock knows it any more.
extension Database {
  /// Keeps the present state under a name, over restarts, until it is dropped.
  ///
  /// It shows every commit that has returned before. Readers go on meanwhile, and writers wait no
  /// longer than for a checkpoint. Names have 1 to 255 bytes.
  ///
  /// - Throws: `.exists`, `.invalidName`, `.engine`.
  @discardableResult
  public func createSnapshot(named name: String) throws(NamedSnapshotError) -> NamedSnapshot {
    guard !name.isEmpty, name.utf8.count <= SnapshotEntry.maximumNameBytes else {
      throw .invalidName(name)
    }
    return try namedSnapshotLock.lock.withLock { () throws(NamedSnapshotError) in
      try NamedSnapshotError.wrapping { () throws(EngineError) in
        try checkChangeable()
        try dropUnwanted()
      }
      guard namedState(name) == nil else { throw .exists(name) }
      return try NamedSnapshotError.wrapping { () throws(EngineError) in
        // Most of the work, beside the writers.
        try checkpoint()
        let made = try keepPresentState(TreeName(name))
        do throws(EngineError) {
          try checkpoint()
        } catch {
          // Not acknowledged, so it shall not stay: a full disk is no reason to close the store.
          pager.snapshots.markUnwanted(made.name)
          try? dropUnwanted()
          throw error
        }
        return made.information
      }
    }
  }

  /// The snapshots that are kept under a name, oldest first.
  public func namedSnapshots() throws(NamedSnapshotError) -> [NamedSnapshot] {
    if isClosed { throw .engine(.closed) }
    return pager.snapshots.wantedStates.map(\.information)
  }

  /// Opens a view of the state that is kept under a name.
  ///
  /// It stays valid when the name is dropped.
  ///
  /// - Throws: `.notFound`, `.engine`.
  public func snapshot(named name: String) throws(NamedSnapshotError) -> Snapshot {
    if isClosed { throw .engine(.closed) }
    let now = configuration.clock()
    let registry = pager.snapshots
    let view = registry.lock.withLock {
      registry.namedState(TreeName(name)).map {
        ($0.trees, registry.openReader($0.lsn, at: now))
      }
    }
    guard let (trees, reader) = view else { throw .notFound(name) }
    return Snapshot(database: self, state: trees, reader: reader)
  }

  /// Gives up a name; what only that snapshot sees is free for use after the next checkpoints.
  ///
  /// Views of it that are open stay valid. Blocks neither readers nor writers.
  ///
  /// - Throws: `.notFound`, `.engine`.
  public func dropSnapshot(named name: String) throws(NamedSnapshotError) {
    try namedSnapshotLock.lock.withLock { () throws(NamedSnapshotError) in
      try NamedSnapshotError.wrapping { () throws(EngineError) in try checkChangeable() }
      guard let state = namedState(name) else { throw .notFound(name) }
      try NamedSnapshotError.wrapping { () throws(EngineError) in
        let lsn = try remove(state, retiring: try exclusivePages(of: state))
        try settle(lsn, .synced)
      }
    }
    scheduleCheckpointIfDue()
  }

  private func namedState(_ name: String) -> NamedState? {
    let registry = pager.snapshots
    return registry.lock.withLock { registry.namedState(TreeName(name)) }
  }

  // MARK: Making

  /// Writes a checkpoint, and an entry that names its state.
  private func keepPresentState(_ name: TreeName) throws(EngineError) -> NamedState {
    try writerLock.withLock { () throws(EngineError) in
      let made = try checkpointLock.withLock { () throws(EngineError) in
        try runCheckpoint()
        // No pages change meanwhile, so these trees are what the checkpoint has written. What was
        // committed to resident trees since then is not part of them.
        var working = working
        working.lsn = state.superblock.lsn
        let made = NamedState(
          name: name, lsn: working.lsn, createdAt: configuration.clock(),
          trees: withChecksums(working))
        pager.structureLock.withLock { pager.snapshots.addNamed(made) }
        return made
      }
      do throws(EngineError) {
        try commitEntry(made)
      } catch {
        pager.structureLock.withLock { pager.snapshots.removeNamed(name) }
        throw error
      }
      return made
    }
  }

  private func commitEntry(_ made: NamedState) throws(EngineError) {
    try commitSilently { transaction throws(EngineError) in
      let tree: TreeID
      if let known = made.trees.tree(named: StoredName.snapshots) {
        tree = TreeID(rawValue: known)
      } else {
        tree = try transaction.createStoredTree(named: StoredName.snapshots)
      }
      try transaction.put(SnapshotEntry.encode(made), forKey: made.name.bytes, in: tree)
    }
  }

  // MARK: Dropping

  /// Removes what is left of snapshots whose making failed, where there is room for that now.
  func dropUnwantedSnapshots() {
    guard pager.snapshots.namedStates.contains(where: \.isUnwanted) else { return }
    namedSnapshotLock.lock.withLock { try? dropUnwanted() }
  }

  /// Call under the lock of named snapshots.
  private func dropUnwanted() throws(EngineError) {
    for state in pager.snapshots.namedStates where state.isUnwanted {
      // It was made in this session, and has seen nothing that no list has.
      _ = try remove(state, retiring: [])
    }
  }

  /// The pages that only one named snapshot sees, as far as no list of this session has them.
  private func exclusivePages(
    of state: NamedState
  ) throws(EngineError) -> [SnapshotPages.Found] {
    // What was made in this session has seen nothing that was not in use then.
    guard state.isEarlier else { return [] }
    let live = try snapshot()
    defer { live.close() }
    let others = pager.snapshots.namedStates.filter { !$0.isSame(as: state) }
    var pages = try SnapshotPages(
      pager: pager, besides: [live.state] + others.map(\.trees))
    try pages.collect(state.trees)
    return pages.found
  }

  /// Commits the removal of an entry, and gives up what it kept in the same moment, so that no
  /// checkpoint has one without the other.
  private func remove(
    _ state: NamedState, retiring pages: [SnapshotPages.Found]
  ) throws(EngineError) -> UInt64 {
    try writerLock.withLock { () throws(EngineError) in
      try checkWritable()
      return try commitSilently {
        pager.snapshots.removeNamed(state.name)
        pager.retireKept(pages)
        namedSnapshotLock.earlierPages = nil
      } _: { transaction throws(EngineError) in
        if let tree = transaction.treeSet.tree(named: StoredName.snapshots) {
          try transaction.delete(state.name.bytes, in: TreeID(rawValue: tree))
        }
      }
    }
  }
}
