// SPDX-License-Identifier: Apache-2.0

/// Named snapshots over a crash.
///
/// Those of the superblock's own state are whole: the map has their pages marked. The log may have
/// brought others, and dropped some.
extension Recovery {
  /// Registers the snapshots that the superblock's state names, before anything is replayed: what
  /// the log replaces is kept for them.
  ///
  /// The state itself is registered too, because the log may name it. Returns the snapshots.
  func registerNamedSnapshots() throws(EngineError) -> [NamedState] {
    let known = try SnapshotEntries(pager: pager).read(state)
    if let late = known.first(where: { $0.lsn > superblock.lsn }) {
      throw .corrupt(
        Damage(
          file: pager.storage.name, offset: 0, structure: "named snapshot '\(late.name.text)'",
          problem: "is of LSN \(late.lsn), behind the checkpoint of LSN \(superblock.lsn)"))
    }
    let present = NamedState(
      name: TreeName(""), lsn: superblock.lsn, createdAt: 0, trees: state)
    pager.snapshots.setNamed(known + [present])
    return known
  }

  /// Registers the snapshots that are named after all was replayed, and gives the others' pages
  /// back.
  ///
  /// A snapshot of a checkpoint that is younger than the superblock was never acknowledged, because
  /// that waits until no superblock is older; and what it has seen may be overwritten already.
  mutating func adoptNamedSnapshots(since checkpointed: [NamedState]) throws(EngineError) {
    let found = try SnapshotEntries(pager: pager).read(state)
    let whole = found.filter { $0.lsn <= superblock.lsn }
    pager.snapshots.setNamed(whole)
    for lost in found where lost.lsn > superblock.lsn { try forget(lost) }
    let dropped = checkpointed.filter { old in !whole.contains { $0.isSame(as: old) } }
    try giveBack(dropped, besides: whole)
  }

  /// Removes an entry from the state.
  ///
  /// Not by way of the log: as long as that counts, a recovery comes here again.
  private mutating func forget(_ lost: NamedState) throws(EngineError) {
    guard let tree = state.tree(named: StoredName.snapshots) else { return }
    let key = lost.name.bytes
    var changed = state
    try key.withBytes { (key) throws(EngineError) in
      let change = KeyChange(
        operation: .delete, tree: tree, key: key, value: key.prefix(0))
      try ChangeApplier(pager: pager).apply([], [], LoggedChanges([change]), to: &changed)
    }
    state = changed
  }

  /// Retires what only snapshots see that the log has dropped.
  private func giveBack(
    _ dropped: [NamedState], besides kept: [NamedState]
  ) throws(EngineError) {
    if dropped.isEmpty { return }
    do throws(EngineError) {
      var pages = try SnapshotPages(pager: pager, besides: [state] + kept.map(\.trees))
      for snapshot in dropped { try pages.collect(snapshot.trees) }
      pager.retireKept(pages.found)
    } catch {
      // Where something else is damaged, nothing can be told to be free; a check reports it.
      guard case .corrupt = error else { throw error }
    }
  }
}
