// SPDX-License-Identifier: Apache-2.0

/// Filling leaves that random inserts have left half full.
///
/// A leaf is packed as it is moved: one of its entries is put once more, by a commit like any other that
/// changes nothing, and what it holds goes to the left neighbour as far as that has room.
extension Database {
  /// Packs the leaves of all trees, some at a time, as far as there is room to do so.
  func packLeaves(while shouldContinue: () -> Bool) throws(EngineError) {
    var mostLeaves = NeighbouringLeaves.most
    var position: LeafPosition? = LeafPosition()
    // So that the checkpoint of the first step, for which commits wait, is as short as the others.
    var mustCheckpoint = true
    while let start = position, shouldContinue() {
      do throws(EngineError) {
        if mustCheckpoint { try checkpoint() }
        mustCheckpoint = false
        position = try packStep(from: start, mostLeaves)
      } catch {
        guard case .outOfSpace = error else { throw error }
        // It may be the checkpoint behind a step that found none.
        mustCheckpoint = true
        mostLeaves /= 8
        if mostLeaves == 0 { return }
      }
    }
  }

  /// Packs some leaves; returns where to go on.
  ///
  /// A recovery puts the entries again, but packs nothing: it would need pages that packing has freed.
  /// So a checkpoint follows before anybody else commits.
  private func packStep(
    from start: LeafPosition, _ mostLeaves: Int
  ) throws(EngineError) -> LeafPosition? {
    try writerLock.withLock { () throws(EngineError) in
      try checkpointLock.withLock { () throws(EngineError) in
        try checkWritable()
        var leaves = NeighbouringLeaves(pager: pager, most: mostLeaves)
        let next = try leaves.collect(from: start, in: working) { residents.has($0) }
        guard leaves.areWorthPacking else { return next }
        try commitSilently(packsLeaves: true) { transaction throws(EngineError) in
          for entry in leaves.found {
            try transaction.put(entry.value, forKey: entry.key, in: entry.tree)
          }
        }
        try runCheckpoint()
        return next
      }
    }
  }
}
