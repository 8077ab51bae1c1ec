// SPDX-License-Identifier: Apache-2.0

/// Figures about an open store.
public struct DatabaseInformation: Sendable {
  /// One tree.
  public struct Tree: Sendable {
    /// Its name.
    public let name: String
    /// Entries in the last committed state.
    public let entries: UInt64
    /// Levels from root to leaves.
    public let height: Int
    /// Pages with entries.
    public let leafPages: UInt64
    /// Pages above them, which lead to them.
    public let branchPages: UInt64
  }

  /// Sixteen bytes that name the file.
  public let identity: [UInt8]
  /// Length of the file in bytes.
  public let fileBytes: UInt64
  /// Bytes of a page.
  public let pageBytes: Int
  /// How commits are made durable on this disk.
  public let durableWrites: DurableWrites
  /// The format version of the file.
  public let formatVersion: UInt32
  /// The last committed transaction.
  public let lsn: UInt64
  /// The last transaction that the pages on disk contain.
  public let checkpointLSN: UInt64
  /// Bytes of the file that hold log.
  public let logBytes: UInt64
  /// Bytes of the file that are free for use.
  public let freeBytes: UInt64
  /// The oldest state that an open snapshot or transaction reads, if any.
  public let oldestSnapshotLSN: UInt64?
  /// The snapshots that are open, the oldest state first.
  public let openSnapshots: [OpenSnapshot]
  /// The snapshots that are kept under a name, oldest first.
  public let namedSnapshots: [NamedSnapshot]
  /// Pages that are in use only because snapshots see them.
  public let snapshotPages: Int
  /// All trees, by name.
  public let trees: [Tree]
}

extension Database {
  /// Figures about the open store.
  ///
  /// The first call after an opening walks the trees of named snapshots that were made before it.
  ///
  /// - Throws: `.closed`; `.corrupt` when that walk comes to a damaged page; `.storage` when the disk
  ///   fails.
  public func information() throws(EngineError) -> DatabaseInformation {
    try checkOpen()
    let registry = pager.snapshots
    let visible = published
    let oldest = registry.current().lsns.first
    let (log, free) = pager.structureLock.withLock {
      (
        state.log.allExtents.count * PageGeometry.extentBytes,
        pager.map.freePages * pager.pageBytes + pager.map.freeExtents * PageGeometry.extentBytes
      )
    }
    let snapshotPages = try countSnapshotPages()
    let checkpointLSN = checkpointLock.withLock { state.superblock.lsn }
    do {
      return DatabaseInformation(
        identity: identity, fileBytes: try pager.storage.length(), pageBytes: pager.pageBytes,
        durableWrites: pager.storage.durableWrites, formatVersion: Superblock.formatVersion,
        lsn: visible.lsn, checkpointLSN: checkpointLSN,
        logBytes: UInt64(log), freeBytes: UInt64(free), oldestSnapshotLSN: oldest,
        openSnapshots: openSnapshots(), namedSnapshots: registry.wantedStates.map(\.information),
        snapshotPages: snapshotPages,
        trees: visible.namedTrees().compactMap { name, tree in
          visible[tree.rawValue].map {
            DatabaseInformation.Tree(
              name: name, entries: $0.entries, height: $0.height, leafPages: $0.leafPages,
              branchPages: $0.branchPages)
          }
        })
    } catch {
      throw .storage(error)
    }
  }
}
