// SPDX-License-Identifier: Apache-2.0

public import ChangeJournal
public import StorageEngine
import Synchronization

/// A store of records in one file, with the journal of every change.
///
/// All calls may be made from any thread. Writes run one after the other; those of several
/// threads share the flushes that make them durable.
public final class RecordStore: Sendable {
  /// The database underneath.
  public let database: Database
  let environment: Environment
  let journal: Journal
  private let identity: Mutex<Identity>

  init(_ database: Database, _ environment: Environment) throws {
    self.database = database
    self.environment = environment
    let snapshot = try database.snapshot()
    defer { snapshot.close() }
    journal = try Journal.open(in: snapshot)
    let meta = try MetaTree.open(snapshot)
    identity = Mutex(Identity(storeID: try meta.storeID(), origin: try meta.origin()))
  }

  /// What the store is called, as far as it is committed.
  private struct Identity {
    var storeID: StoreID
    var origin: Origin
  }

  /// The data set; changes once at most, by adoption.
  public var storeID: StoreID { identity.withLock { $0.storeID } }

  /// Who this store writes as.
  public var origin: Origin { identity.withLock { $0.origin } }

  /// Which transactions of others may be applied by now.
  var policy: AdmissionPolicy {
    AdmissionPolicy(now: environment.now(), maximumAhead: environment.maximumAhead)
  }

  /// Runs `body` on a view of the last durable state.
  public func read<R>(_ body: (RecordSnapshot) throws -> R) throws -> R {
    try Self.read(try database.snapshot(), body)
  }

  /// Runs `body` on a view, and closes that.
  static func read<R>(
    _ snapshot: Snapshot, _ body: (RecordSnapshot) throws -> R
  ) throws -> R {
    defer { snapshot.close() }
    return try body(RecordSnapshot(snapshot))
  }

  /// Takes part in another data set: does nothing if it is the same, and succeeds in a store
  /// without transactions.
  ///
  /// - Throws: `.storeMismatch` in a store that has transactions, unless `force` joins the two.
  public func adopt(_ storeID: StoreID, force: Bool = false) throws {
    if try database.write({ try adopt(storeID, force: force, in: $0) }) { try noteAdoption() }
  }

  /// Takes part in a data set within a transaction, so that nothing comes between the decision and
  /// what follows from it; returns whether that changes anything, which is to be noted once it is
  /// committed.
  func adopt(
    _ storeID: StoreID, force: Bool = false, in transaction: WriteTransaction
  ) throws -> Bool {
    guard try !isReplica(of: storeID, transaction, force: force) else { return false }
    let meta = try MetaTree.open(transaction)
    try MetaTree.put(.store, in: meta.tree, of: transaction) { $0.write(bytes: storeID.bytes) }
    return true
  }

  /// Whether the store is a replica of a data set already; `false` when it may become one.
  ///
  /// - Throws: `.storeMismatch` in a store of another data set that has transactions, unless
  ///   `force`.
  func isReplica(
    of storeID: StoreID, _ trees: any TreeReader, force: Bool = false
  ) throws -> Bool {
    let local = try MetaTree.open(trees).storeID()
    guard local != storeID else { return true }
    let isEmpty =
      try journal.appliedVector(in: trees).isEmpty && journal.heldCount(in: trees) == 0
    guard isEmpty || force else {
      throw RecordStoreError.storeMismatch(local: local, offered: storeID)
    }
    return false
  }

  /// Notes the data set after an adoption that is committed.
  ///
  /// The store is asked, inside the lock: of two threads that adopted, the first to commit may be
  /// the last to come here.
  func noteAdoption() throws {
    try identity.withLock { identity in
      let snapshot = try database.snapshot()
      defer { snapshot.close() }
      identity.storeID = try MetaTree.open(snapshot).storeID()
    }
  }

  /// Closes the file; further calls fail.
  public func close() throws {
    try database.close()
  }

  /// Folds the engine's log into its pages.
  public func checkpoint() throws {
    try database.checkpoint()
  }
}
