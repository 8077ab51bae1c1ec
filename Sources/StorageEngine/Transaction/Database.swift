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
    var participant: (any CommitParticipant)?
    /// Writer lock: what the last transaction left on the working state; absent while one runs.
    var note: (any StateNote)?
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

  // MARK: Opening and closing

  /// Creates a new store file.
  ///
  /// Throws `.alreadyExists` if anything is at `path`.
  public static func create(
    at path: String, configuration: Configuration = .init()
  ) throws(EngineError) -> Database {
    try configuration.check()
    let storage = try FileStorage.create(at: path)
    do {
      return try create(on: storage, configuration: configuration)
    } catch {
      storage.close()
      try? SystemCalls.removeFile(path)
      throw error
    }
  }

  /// Opens an existing store file, recovering what a crash left in its log.
  ///
  /// For reading only if the configuration says so: then any number of processes may have it open,
  /// as long as none writes, and the file stays as it is.
  public static func open(
    at path: String, configuration: Configuration = .init()
  ) throws(EngineError) -> Database {
    try configuration.check()
    let isReadOnly = configuration.isReadOnly
    return try open(
      on: FileStorage.open(at: path, readOnly: isReadOnly), configuration: configuration)
  }

  /// Creates a store on any storage, which must be empty.
  public static func create(
    on storage: any Storage, configuration: Configuration = .init()
  ) throws(EngineError) -> Database {
    try configuration.check()
    try StoreCreation.create(on: storage, configuration: configuration)
    return try open(on: storage, configuration: configuration)
  }

  /// Opens a store on any storage, and deals with transactions in doubt as the configuration says.
  ///
  /// Closes the storage when that fails.
  public static func open(
    on storage: any Storage, configuration: Configuration = .init()
  ) throws(EngineError) -> Database {
    let (database, found) = try openUndecided(on: storage, configuration: configuration)
    let policy = configuration.isReadOnly ? .keep : configuration.inDoubtPolicy
    let plan = RecoveryPlan(database, found, policy: policy)
    do throws(TransactionError) {
      return try plan.finish()
    } catch {
      if case .engine(let error) = error { throw error }
      throw .invalidConfiguration("\(error)")
    }
  }

  /// Opens a store and leaves what is in doubt undecided.
  static func openUndecided(
    on storage: any Storage, configuration: Configuration
  ) throws(EngineError) -> (Database, [PreparedWork]) {
    do {
      try configuration.check()
      let storage = try configuration.isReadOnly ? OverlayStorage.over(storage) : storage
      let recovered = try Recovery.recover(storage: storage, configuration: configuration)
      let database = Database(recovered: recovered, configuration: configuration)
      // Fresh writes make durable what recovery read back: the log's tail may have been written
      // by a process that ended before it was flushed, or whose flush failed.
      try database.checkpoint()
      return (database, try database.loadPrepared())
    } catch {
      storage.close()
      throw error
    }
  }

  /// Folds the log into the pages and closes the file.
  ///
  /// Further calls throw `.closed`. The file is closed even when an error is thrown; recovery then
  /// happens at the next opening.
  public func close() throws(EngineError) {
    dropUnwantedSnapshots()
    writerLock.lock()
    defer { writerLock.unlock() }
    if isClosed { return }
    defer {
      closed.store(true, ordering: .releasing)
      state.timer?.cancel()
      pager.storage.close()
    }
    if let poison = queue.poison { throw poison }
    // A checkpoint that finds no room must not take with it what was only shown so far.
    try settle(pager.structureLock.withLock { state.working.lsn }, .synced)
    try checkpointLock.withLock { () throws(EngineError) in try runCheckpoint(isClosing: true) }
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
    if isClosed { throw .closed }
    if let poison = queue.poison { throw poison }
  }

  // MARK: Reading

  /// Takes a consistent view of the last published state.
  ///
  /// Cheap; never blocks.
  public func snapshot() throws(EngineError) -> Snapshot {
    if isClosed { throw .closed }
    let registry = pager.snapshots
    let now = configuration.clock()
    let (visible, reader) = registry.lock.withLock {
      (state.published, registry.openReader(state.published.lsn, at: now))
    }
    return Snapshot(database: self, state: visible, reader: reader)
  }

  // MARK: Writing

  /// Runs `body` as the only writer and commits what it did when it returns; when it throws,
  /// nothing is changed and the error is passed on.
  ///
  /// Returns when the commit is as durable as asked. Commits of several threads share flushes.
  /// Must not be called from within itself.
  ///
  /// - Throws: What `body` throws; `EngineError`; `TransactionError.lockTimeout`, at once, when a
  ///   prepared transaction holds what was changed.
  public func write<R>(
    durability: Durability? = nil, _ body: (WriteTransaction) throws -> R
  ) throws -> R {
    let (result, commit) = try writeWithoutWaiting(durability: durability, body)
    try commit.wait()
    return result
  }

  func runExclusively<R>(
    _ body: (WriteTransaction) throws -> R
  ) throws -> (R, UInt64) {
    writerLock.lock()
    defer { writerLock.unlock() }
    try checkChangeable()
    let base = pager.structureLock.withLock { state.working }
    let transaction = WriteTransaction(database: self, base: base, note: state.note)
    // Comes back with the commit only: what fails may have taken the note and changed it.
    state.note = nil
    do {
      let result = try body(transaction)
      let lsn = try submit(transaction)
      state.note = transaction.takeNote()
      transaction.end()
      return (result, lsn)
    } catch {
      transaction.rollback()
      throw error
    }
  }

  /// Has every later commit call `participant` (see there); `nil` for none.
  public func setCommitParticipant(_ participant: (any CommitParticipant)?) {
    writerLock.withLock { state.participant = participant }
  }

  /// Makes every earlier commit durable.
  public func flush() throws(EngineError) {
    try checkWritable()
    try settle(pager.structureLock.withLock { state.working.lsn }, .synced)
  }
}

/// What a layer above knows of one state of the trees, kept so that it need not read it again.
///
/// Lies beside the working state under the writer lock: a transaction finds the note that was left
/// on exactly the state it begins with, or none. Seen by one transaction at a time, so it may be
/// changed in place once it is taken.
public protocol StateNote: AnyObject {}

/// A layer above that joins every commit.
public protocol CommitParticipant: Sendable {
  /// Called with a transaction that is about to be committed, after its own changes were made and
  /// with every earlier commit visible.
  ///
  /// May add changes. Throwing rolls the transaction back.
  func prepareCommit(_ transaction: WriteTransaction) throws
}

extension Configuration {
  /// Refuses values that are out of bounds.
  func check() throws(EngineError) {
    guard PageGeometry.isValid(pageBytes: pageBytes) else {
      throw .invalidConfiguration("a page has 4096 to 65536 bytes, a power of two")
    }
    guard cacheBytes >= 4 << 20, cacheBytes <= 1 << 44 else {
      throw .invalidConfiguration("the cache has at least 4 MiB")
    }
    guard checkpointBytes >= 1 << 16 else {
      throw .invalidConfiguration("a checkpoint interval has at least 64 KiB")
    }
  }
}
