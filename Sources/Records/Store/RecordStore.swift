// SPDX-License-Identifier: Apache-2.0

public import ChangeJournal
public import StorageEngine

/// A store of records in one file, with the journal of every change.
public final class RecordStore: Sendable {
  /// The database underneath.
  public let database: Database

  init(_ database: Database) {
    self.database = database
  }

  /// Creates a store; fails if anything is at `path`.
  public static func create(
    at path: String, environment: Environment = .system, configuration: Configuration = .init()
  ) throws -> RecordStore {
    try create(
      in: Database.create(at: path, configuration: configuration), environment: environment)
  }

  /// Opens a store.
  public static func open(
    at path: String, environment: Environment = .system, configuration: Configuration = .init()
  ) throws -> RecordStore {
    try open(in: Database.open(at: path, configuration: configuration), environment: environment)
  }

  /// Makes an empty database a store.
  public static func create(
    in database: Database, environment: Environment = .system
  ) throws -> RecordStore {
    RecordStore(database)
  }

  /// Opens the store in a database.
  public static func open(
    in database: Database, environment: Environment = .system
  ) throws -> RecordStore {
    RecordStore(database)
  }

  /// The data set. Changes once at most, by adoption.
  public var storeID: StoreID { StoreID(high: 0, low: 0) }

  /// Who this store writes as.
  public var origin: Origin { Origin(replica: ReplicaID(high: 0, low: 0), incarnation: 0) }

  /// Runs `body`; what it wrote becomes one transaction of the journal, durable when this
  /// returns. When `body` throws, nothing is changed. Must not be called from within itself.
  public func write<R>(_ body: (RecordTransaction) throws -> R) throws -> R {
    try database.write { try body(RecordTransaction($0)) }
  }

  /// Runs `body` on a view of the last durable state.
  public func read<R>(_ body: (RecordSnapshot) throws -> R) throws -> R {
    let snapshot = try database.snapshot()
    defer { snapshot.close() }
    return try body(RecordSnapshot(snapshot))
  }

  /// Closes the file. Further calls fail.
  public func close() throws {
    try database.close()
  }

  /// Folds the engine's log into its pages.
  public func checkpoint() throws {
    try database.checkpoint()
  }

  /// Describes what the store holds and waits for.
  public func status() throws -> StoreStatus {
    StoreStatus(
      storeID: storeID, origin: origin, applied: VersionVector(),
      clock: HybridTimestamp(rawValue: 0), collections: [], held: [])
  }

  /// Takes part in another data set: does nothing if it is the same, and succeeds in a store
  /// without transactions.
  ///
  /// - Throws: `.storeMismatch` in a store that has transactions, unless `force` joins the two.
  public func adopt(_ storeID: StoreID, force: Bool = false) throws {}

  /// Applies transactions of other stores, all in one transaction of the engine.
  ///
  /// What is known already is passed over. What is from too far in the future is put aside, with
  /// everything that needs it. The batch may be in any order that is complete.
  ///
  /// - Throws: `JournalError.gap` when something is missing, `.fork` when one name stands for two
  ///   transactions, `RecordStoreError.rollback` and `.corruptTransaction`.
  public func apply(_ batch: [EncodedTransaction]) throws -> ApplyOutcome {
    ApplyOutcome()
  }

  /// Applies what was put aside and may be applied by now.
  @discardableResult
  public func releaseHeld() throws -> ApplyOutcome {
    ApplyOutcome()
  }

  /// Lists the transactions beyond a position, in causal order, from one consistent view.
  public func journal(since position: VersionVector = VersionVector()) throws -> JournalCursor {
    JournalCursor()
  }

  /// What is applied.
  public func appliedVector() throws -> VersionVector {
    VersionVector()
  }

  /// What is applied or put aside: what need not be sent again.
  public func receivedVector() throws -> VersionVector {
    VersionVector()
  }

  /// The last transaction applied of each origin, ordered by origin.
  public func chainHeads() throws -> [ChainHead] {
    []
  }

  /// The chain hash of an applied transaction; `nil` when it is not applied.
  public func chainHash(of dot: Dot) throws -> Hash256? {
    nil
  }
}

/// Reads transactions of the journal one by one.
public final class JournalCursor {
  /// Reads the next transaction; `nil` behind the last.
  public func next() throws -> EncodedTransaction? {
    nil
  }
}
