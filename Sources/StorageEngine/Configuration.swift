// SPDX-License-Identifier: Apache-2.0

/// When a commit may return.
public enum Durability: Sendable, Equatable {
  /// After its log group was flushed: survives power loss.
  ///
  /// The default.
  case synced
  /// After it was handed to the operating system: survives the process, not the power.
  case written
  /// At once; a timer that the first such commit starts flushes when the given time has passed.
  ///
  /// One that comes while the timer runs does not start it anew. What makes a `manual` commit durable
  /// does so here too, if it comes earlier.
  case interval(Duration)
  /// At once; durable after the next synced commit, `flush()`, checkpoint or `close()`, at the
  /// latest when what waits for that takes much of the memory.
  case manual
}

/// Runs checkpoints in the background.
///
/// Tests pass one that runs them when they decide.
public protocol CheckpointScheduler: Sendable {
  /// Runs `job` soon, on any thread but the caller's stack.
  ///
  /// Jobs of one database never overlap because the engine asks for the next only when the last has
  /// ended.
  func schedule(_ job: @escaping @Sendable () -> Void)
}

/// How a database is opened.
public struct Configuration: Sendable {
  /// Bytes of memory for pages.
  ///
  /// At least 4 MiB.
  public var cacheBytes: Int = 128 << 20
  /// Bytes of a page in a new store: a power of two from 4096 to 65536.
  public var pageBytes: Int = 8192
  /// What `write`, `Transaction.commit` and `PreparedTransaction.commit` wait for unless told
  /// otherwise.
  public var durability: Durability = .synced
  /// Bytes of log after which a checkpoint is scheduled.
  public var checkpointBytes: Int = 64 << 20
  /// Sixteen bytes that name a new store file; `nil` for random ones.
  public var identity: [UInt8]?
  /// Tells what this opening writes to the log from what others wrote there; `nil` for a random number.
  package var logSalt: UInt32?
  /// Where checkpoints run; `nil` uses a thread of the database's own.
  public var scheduler: (any CheckpointScheduler)?
  /// Whether the store is opened for reading only.
  public var isReadOnly = false
  /// How long the commit of a `Transaction` waits for what a prepared one holds; `write` does not
  /// wait.
  public var lockWait: Duration = .seconds(10)
  /// What becomes of transactions that are found in doubt when the store is opened.
  public var inDoubtPolicy: InDoubtDecision = .keep
  /// Bytes of memory for what was committed since the oldest open transaction began; when they are
  /// used up, that transaction is given up.
  public var conflictWindowBytes: Int = 64 << 20
  /// The time in milliseconds since 1970, for the age of transactions in doubt.
  public var clock: @Sendable () -> UInt64 = SystemCalls.milliseconds
  /// Bytes of memory for the changes of a transaction; what is more is written to the disk, and the
  /// transaction goes on.
  public var transactionMemoryBytes: Int = 64 << 20
  /// Bytes of log that a transaction may take; the log has 32 bits for its length.
  var transactionBytes = Int(UInt32.max)
  /// Bytes of a log group from which on it takes no further transaction.
  var groupBytes = 16 << 20
  /// Changes of resident trees that are folded at once, while commits wait, and what may be left for
  /// the moment of the checkpoint.
  package var foldedAtOnce = 256
  package var mostLeftToFold = 512

  /// The defaults.
  public init() {}
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
    guard FramePool.canHave(cacheBytes: cacheBytes, pageBytes: pageBytes) else {
      throw .invalidConfiguration("the cache has fewer than 2^28 pages")
    }
    guard checkpointBytes >= 1 << 16 else {
      throw .invalidConfiguration("a checkpoint interval has at least 64 KiB")
    }
  }
}
