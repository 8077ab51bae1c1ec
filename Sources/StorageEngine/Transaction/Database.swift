// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// One open store file: trees of ordered keys and values, changed by transactions.
///
/// Safe to use from any number of threads. One process at a time may hold a file open.
///
/// What happens to a commit, and where to read on: `WriteTransaction` collects the changes;
/// `Database+Commit` puts them into the log's open group and applies them to the trees
/// (`TreeWriter`); `CommitQueue` flushes the group once for all who wait; then the new state is
/// published to `Snapshot`s. `Database+Checkpoint` folds the log into the pages; `Recovery` reads
/// the log back.
public final class Database: Sendable {
  let pager: Pager
  let queue: CommitQueue
  let configuration: Configuration
  let identity: [UInt8]
  /// Held by the one writer there is at a time.
  let writerLock = Lock()
  /// Held while a checkpoint runs.
  let checkpointLock = Lock()
  let state: GuardedState
  let treeNumbers: TreeNumbers
  let recordNumbers = RecordNumbers()
  let window: ConflictWindow
  let prepared = PreparedTransactions()
  let namedSnapshotLock = NamedSnapshotLock()
  let asyncWaiters = AsyncWaiters()
  private let closed = Atomic<Bool>(false)

  /// State that several locks guard; each part says which.
  final class GuardedState: @unchecked Sendable {
    /// Structure lock: the state after the last transaction put into a group.
    var working: TreeSet
    /// Structure lock.
    var log: LogSpace
    /// Structure lock: the payload of the open group.
    var open = LogBuffer()
    var openFlushesFirst = false
    /// Structure lock: groups that wait to be written, oldest first.
    var sealed: [CommitGroup] = []
    /// Structure lock: buffers to use again.
    var spare: [LogBuffer] = []
    /// Structure lock: whether a checkpoint was asked for.
    var checkpointScheduled = false
    /// Structure lock: checkpoints to come until the end of the file can be cut off.
    var shrinkingCheckpoints = 0
    /// Structure lock: bytes logged since the last checkpoint was captured.
    var loggedBytes = 0
    /// The leader of the commit queue.
    var writer: LogWriter
    /// Lock of the snapshot registry: what readers see.
    var published: TreeSet
    /// Lock of the snapshot registry: what is certain to survive.
    var durable: TreeSet
    /// Checkpoint lock: the last superblock written, and LSN, log position and length of the one
    /// before.
    var superblock: Superblock
    var previousLSN: UInt64
    var previousLogExtent: Int
    var previousExtentCount: Int
    /// Checkpoint lock: what the extent map looked like on disk, and where.
    var persisted: PersistedMap
    /// Writer lock.
    var participant: (any CommitParticipant)?
    /// Writer lock: what the last transaction left on the working state; absent while one runs.
    var note: (any StateNote)?
    /// Structure lock.
    var timer: FlushTimer?

    init(recovered: Recovered) {
      working = recovered.state
      log = recovered.log
      writer = recovered.writer
      published = recovered.state
      durable = recovered.state
      superblock = recovered.superblock
      previousLSN = recovered.previousLSN
      previousLogExtent = recovered.previousLogExtent
      previousExtentCount = recovered.previousExtentCount
      persisted = recovered.persisted
    }
  }

  init(recovered: Recovered, configuration: Configuration) {
    pager = recovered.pager
    self.configuration = configuration
    identity = recovered.superblock.identity
    queue = CommitQueue(lsn: recovered.state.lsn)
    state = GuardedState(recovered: recovered)
    treeNumbers = TreeNumbers(next: recovered.state.nextTree)
    window = ConflictWindow(
      lsn: recovered.state.lsn, limit: configuration.conflictWindowBytes)
  }

  deinit {
    state.timer?.cancel()
    if !isClosed { pager.storage.close() }
  }

  var isClosed: Bool { closed.load(ordering: .acquiring) }

  // MARK: Closing

  /// Folds the log into the pages and closes the file.
  ///
  /// Other calls throw `.closed` from then on; closing once more does nothing. The file is closed even
  /// when an error is thrown; recovery then happens at the next opening.
  ///
  /// - Throws: `.poisoned` after an earlier failure, or when the log cannot be flushed; `.outOfSpace`
  ///   when there is no room to fold the log into the pages, `.storage` when the disk fails at that:
  ///   in both cases every commit is durable in the log.
  public func close() throws(EngineError) {
    dropUnwantedSnapshots()
    writerLock.lock()
    defer { writerLock.unlock() }
    if isClosed { return }
    defer {
      closed.store(true, ordering: .releasing)
      prepared.wakeups.advance()
      pager.structureLock.withLock { state.timer }?.cancel()
      pager.storage.close()
    }
    if let poison = queue.poison { throw poison }
    // A checkpoint that finds no room must not take with it what was only shown so far.
    try settle(working.lsn, .synced)
    try checkpointLock.withLock { () throws(EngineError) in
      try runCheckpoint(bothSuperblocks: true)
    }
  }

  func checkOpen() throws(EngineError) {
    if isClosed { throw .closed }
  }

  /// Refuses changes by a caller.
  func checkChangeable() throws(EngineError) {
    if configuration.isReadOnly { throw .readOnly }
    try checkWritable()
  }

  func checkWritable() throws(EngineError) {
    try checkOpen()
    if let poison = queue.poison { throw poison }
  }

  // MARK: Reading

  /// Takes a consistent view of the last published state.
  ///
  /// Cheap; never blocks.
  ///
  /// - Throws: `.closed`.
  public func snapshot() throws(EngineError) -> Snapshot {
    try checkOpen()
    let registry = pager.snapshots
    let now = configuration.clock()
    let (visible, reader) = registry.lock.withLock {
      (state.published, registry.openReader(state.published.lsn, at: now))
    }
    return Snapshot(database: self, state: visible, reader: reader)
  }
}
