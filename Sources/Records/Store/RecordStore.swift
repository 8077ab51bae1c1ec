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
  private let identity: Mutex<(storeID: StoreID, origin: Origin)>

  init(_ database: Database, _ environment: Environment) throws {
    self.database = database
    self.environment = environment
    let snapshot = try database.snapshot()
    defer { snapshot.close() }
    journal = try Journal.open(in: snapshot)
    let meta = try MetaTree.open(snapshot)
    identity = Mutex((try meta.storeID(), try meta.origin()))
  }

  /// The data set; changes once at most, by adoption.
  public var storeID: StoreID { identity.withLock { $0.storeID } }

  /// Who this store writes as.
  public var origin: Origin { identity.withLock { $0.origin } }

  /// Which transactions of others may be applied by now.
  var policy: AdmissionPolicy {
    AdmissionPolicy(now: environment.now(), maximumAhead: environment.maxAhead)
  }

  /// Runs `body` on a view of the last durable state.
  public func read<R>(_ body: (RecordSnapshot) throws -> R) throws -> R {
    let snapshot = try database.snapshot()
    defer { snapshot.close() }
    return try body(RecordSnapshot(snapshot))
  }

  /// Takes part in another data set: does nothing if it is the same, and succeeds in a store
  /// without transactions.
  ///
  /// - Throws: `.storeMismatch` in a store that has transactions, unless `force` joins the two.
  public func adopt(_ storeID: StoreID, force: Bool = false) throws {
    guard storeID != self.storeID else { return }
    try database.write { transaction in
      let meta = try MetaTree.open(transaction)
      let isEmpty =
        try journal.appliedVector(in: transaction).isEmpty
        && journal.heldCount(in: transaction) == 0
      guard isEmpty || force else {
        throw RecordStoreError.storeMismatch(local: try meta.storeID(), offered: storeID)
      }
      try MetaTree.put(.store, in: meta.tree, of: transaction) { $0.write(bytes: storeID.bytes) }
    }
    identity.withLock { $0.storeID = storeID }
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
