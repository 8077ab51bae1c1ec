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
  /// Whether only one superblock was intact when it was opened.
  let foundOneSuperblock: Bool
  /// Held by the one writer there is at a time.
  let writerLock = OwnedLock()
  /// Held while a checkpoint runs.
  let checkpointLock = Lock()
  let state: GuardedState
  let treeNumbers: TreeNumbers
  let recordNumbers = RecordNumbers()
  let window: ConflictWindow
  let prepared = PreparedTransactions()
  let residents = ResidentTrees()
  let namedSnapshotLock = NamedSnapshotLock()
  let asyncWaiters = AsyncWaiters()
  private let closed = Atomic<Bool>(false)

  /// State that several locks guard; each part says which.
  final class GuardedState: @unchecked Sendable {
    /// Structure lock: the state after the last transaction put into a group.
    @safe @exclusivity(unchecked) var working: TreeSet
    /// Structure lock.
    @safe @exclusivity(unchecked) var log: LogSpace
    /// Structure lock: the payload of the open group.
    @safe @exclusivity(unchecked) var open = LogBuffer()
    @safe @exclusivity(unchecked) var openFlushesFirst = false
    /// Structure lock: groups that wait to be written, oldest first.
    @safe @exclusivity(unchecked) var sealed: [CommitGroup] = []
    /// Structure lock: buffers to use again.
    @safe @exclusivity(unchecked) var spare: [LogBuffer] = []
    /// Structure lock: whether a checkpoint was asked for.
    @safe @exclusivity(unchecked) var checkpointScheduled = false
    /// Structure lock: checkpoints to come until the end of the file can be cut off.
    @safe @exclusivity(unchecked) var shrinkingCheckpoints = 0
    /// Structure lock: bytes logged since the last checkpoint was captured.
    @safe @exclusivity(unchecked) var loggedBytes = 0
    /// The leader of the commit queue.
    @safe @exclusivity(unchecked) var writer: LogWriter
    /// Lock of the snapshot registry: what readers see.
    @safe @exclusivity(unchecked) var published: TreeSet
    /// Lock of the snapshot registry: the last commit that readers may see as soon as one looks.
    @safe @exclusivity(unchecked) var unshownLSN: UInt64 = 0
    /// Lock of the snapshot registry: how many commits are still shown at once, because somebody
    /// looked lately.
    @safe @exclusivity(unchecked) var watchedCommits = 0
    /// Lock of the snapshot registry: what is certain to survive.
    @safe @exclusivity(unchecked) var durable: TreeSet
    /// Checkpoint lock: the last superblock written, and LSN, log position and length of the one
    /// before.
    @safe @exclusivity(unchecked) var superblock: Superblock
    @safe @exclusivity(unchecked) var previousLSN: UInt64
    @safe @exclusivity(unchecked) var previousLogExtent: Int
    @safe @exclusivity(unchecked) var previousExtentCount: Int
    /// Checkpoint lock: what the extent map looked like on disk, and where.
    @safe @exclusivity(unchecked) var persisted: PersistedMap
    /// Writer lock.
    @safe @exclusivity(unchecked) var participant: (any CommitParticipant)?
    /// Writer lock: what the last transaction left on the working state; absent while one runs.
    @safe @exclusivity(unchecked) var note: (any StateNote)?
    /// Structure lock.
    @safe @exclusivity(unchecked) var timer: FlushTimer?

    /// Lock of the snapshot registry: whether a reader has to show the working state first.
    var hasUnshown: Bool { unshownLSN > published.lsn }

    init(recovered: Recovered) {
      working = recovered.state
      log = recovered.log
      writer = recovered.writer
      published = recovered.state
      durable = recovered.state
      superblock = recovered.superblock
      previousLSN = recovered.superblock.lsn
      previousLogExtent = recovered.superblock.log.extent
      previousExtentCount = recovered.superblock.extentCount
      persisted = recovered.persisted
    }
  }

  init(recovered: Recovered, configuration: Configuration) {
    pager = recovered.pager
    self.configuration = configuration
    identity = recovered.superblock.identity
    foundOneSuperblock = recovered.foundOneSuperblock
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
    try close(forgettingFinished: true)
  }

  /// The same; a plan that is given up forgets no commit that can still be undone.
  func close(forgettingFinished: Bool) throws(EngineError) {
    dropUnwantedSnapshots()
    writerLock.lock()
    defer { writerLock.unlock() }
    if isClosed { return }
    defer {
      closed.store(true, ordering: .releasing)
      prepared.wakeups.advance()
      pager.structureLock.withLock { state.timer }?.cancel()
      pager.structureLock.withLock { residents.removeAll() }
      pager.storage.close()
    }
    // Those who commit to resident trees do not wait for the writer lock.
    pager.structureLock.withLock { residents.close() }
    if let poison = queue.poison { throw poison }
    if forgettingFinished { forgetFinished() }
    // A checkpoint that finds no room must not take with it what was only shown so far.
    try settle(working.lsn, .synced)
    // What the log has given back is in the map of the next checkpoint only, which cuts it off.
    guard try giveUpLog() > Self.leastLogToGiveUp, (try? commitSilently { _ in }) != nil
    else { return }
    try giveUpLog()
  }

  /// Extents of the log for which a closing takes its time.
  private static let leastLogToGiveUp = 2

  func checkOpen() throws(EngineError) {
    if isClosed { throw .closed }
  }

  /// Whether it was opened for reading only.
  package var isReadOnly: Bool { configuration.isReadOnly }

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
  /// Cheap; waits for no more than one small commit.
  ///
  /// - Throws: `.closed`.
  public func snapshot() throws(EngineError) -> Snapshot {
    try checkOpen()
    let registry = pager.snapshots
    let now = configuration.clock()
    let (visible, reader) = withPublished { published in
      (published, registry.openReader(published.lsn, at: now))
    }
    return Snapshot(database: self, state: visible, reader: reader)
  }
}
