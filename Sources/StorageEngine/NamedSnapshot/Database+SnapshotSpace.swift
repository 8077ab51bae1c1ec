// SPDX-License-Identifier: Apache-2.0

/// What snapshots cost.
extension Database {
  /// Counts the pages that are in use only because snapshots see them.
  ///
  /// Those that were replaced since the file was opened are in lists. For snapshots from earlier
  /// sessions their trees are walked once.
  func countSnapshotPages() throws(EngineError) -> Int {
    let earlier = try namedSnapshotLock.lock.withLock { () throws(EngineError) in
      if let known = namedSnapshotLock.earlierPages { return known }
      let counted = try earlierPages()
      namedSnapshotLock.earlierPages = counted
      return counted
    }
    return pager.structureLock.withLock {
      let views = pager.snapshots.current()
      let retired =
        [pager.retired, pager.pending, pager.heldByNamed] + Array(pager.heldBySnapshots.values)
      return retired.joined().count {
        $0.viewer(among: views.lsns) != nil || $0.isSeen(byNamed: views.named)
      } + pager.countKept(earlier)
    }
  }

  private func earlierPages() throws(EngineError) -> [SnapshotPages.Found] {
    let named = pager.snapshots.namedStates.filter(\.isEarlier)
    if named.isEmpty { return [] }
    let live = try snapshot()
    defer { live.close() }
    var pages = try SnapshotPages(pager: pager, besides: [live.state])
    for state in named { try pages.collect(state.trees) }
    return pages.found
  }

  /// The snapshots that are open, the oldest state first.
  func openSnapshots() -> [OpenSnapshot] {
    let now = configuration.clock()
    return pager.snapshots.openReaders.map { OpenSnapshot($0, now: now) }
  }
}
