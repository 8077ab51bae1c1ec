// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Filling leaves that random inserts have left half full.
///
/// A leaf is packed as it is moved: one of its entries is put once more, by a commit like any other that
/// changes nothing, and what it holds goes to the left neighbour as far as that has room.
extension Database {
  /// Bytes of the log that one step's checkpoint, for which commits wait, folds at most besides its own.
  private static let mostLogged = 1 << 20
  /// Microseconds between two steps, in which those who waited can commit.
  private static let pause: UInt32 = 200

  /// Packs the leaves of all trees, some at a time, as far as there is room to do so.
  ///
  /// What is open now and stays open keeps what it sees: that is left alone.
  func packLeaves(while shouldContinue: () -> Bool) throws(EngineError) {
    let views = pager.snapshots.current().lsns
    var mostLeaves = NeighbouringLeaves.most
    var position: LeafPosition? = LeafPosition()
    var mustCheckpoint = true
    while let start = position, shouldContinue() {
      do throws(EngineError) {
        if mustCheckpoint || isMuchLogged { try checkpoint() }
        mustCheckpoint = false
        position = try packStep(from: start, mostLeaves, sparing: views)
      } catch {
        guard case .outOfSpace = error else { throw error }
        // It may be the checkpoint behind a step that found none.
        mustCheckpoint = true
        mostLeaves /= 8
        if mostLeaves == 0 { return }
      }
      usleep(Self.pause)
    }
  }

  private var isMuchLogged: Bool {
    pager.structureLock.withLock { state.loggedBytes > Self.mostLogged }
  }

  /// Packs some leaves; returns where to go on.
  ///
  /// A recovery puts the entries again, but packs nothing: it could need pages that packing has freed.
  /// So a checkpoint follows before another transaction commits.
  private func packStep(
    from start: LeafPosition, _ mostLeaves: Int, sparing views: [UInt64]
  ) throws(EngineError) -> LeafPosition? {
    try writerLock.withLock { () throws(EngineError) in
      try checkpointLock.withLock { () throws(EngineError) in
        try checkWritable()
        var leaves = NeighbouringLeaves(pager: pager, most: mostLeaves, sparing: views)
        let next = try leaves.collect(from: start, in: working) { residents.has($0) }
        guard leaves.areWorthPacking else { return next }
        // What this finds no room for would stop the checkpoint behind the commit.
        try foldResidents()
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
