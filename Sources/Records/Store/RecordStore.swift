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
  /// Taken out by the write at work, and put back at its end; `nil` after one that failed.
  private let memory = Mutex<StoreMemory?>(nil)
  private let identity: Mutex<(storeID: StoreID, origin: Origin)>

  init(_ database: Database, _ environment: Environment) throws {
    self.database = database
    self.environment = environment
    let snapshot = try database.snapshot()
    defer { snapshot.close() }
    let loaded = try StoreMemory(snapshot, maxAhead: environment.maxAhead)
    identity = Mutex((loaded.storeID, loaded.origin))
    memory.withLock { $0 = loaded }
  }

  /// The data set; changes once at most, by adoption.
  public var storeID: StoreID { identity.withLock { $0.storeID } }

  /// Who this store writes as.
  public var origin: Origin { identity.withLock { $0.origin } }

  /// Runs `body` on a view of the last durable state.
  public func read<R>(_ body: (RecordSnapshot) throws -> R) throws -> R {
    let snapshot = try database.snapshot()
    defer { snapshot.close() }
    return try body(RecordSnapshot(snapshot))
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

extension RecordStore {
  /// Runs `body` in a transaction of the engine, with what the store remembers.
  ///
  /// When `body` throws, nothing is changed and what is remembered is read again by the next.
  func withMemory<R>(
    _ durability: Durability? = nil, _ body: (WriteTransaction, inout StoreMemory) throws -> R
  ) throws -> R {
    try database.write(durability: durability) { transaction in
      var taken: StoreMemory?
      memory.withLock { swap(&$0, &taken) }
      guard let meta = try MetaTree(transaction) else {
        throw RecordStoreError.corruptStore(place: StoreTree.meta, problem: "it is missing")
      }
      // A commit that failed after its body ran has left the memory ahead of the file.
      var remembered: StoreMemory
      if let taken, taken.changes == (try meta.clock().changes) {
        remembered = taken
      } else {
        remembered = try StoreMemory(transaction, maxAhead: environment.maxAhead)
      }
      taken = nil
      let before = remembered.changes
      let result = try body(transaction, &remembered)
      if remembered.changes != before {
        try MetaTree.put(.clock, in: meta.tree, of: transaction) { cbor in
          cbor.write(arrayCount: 2)
          cbor.write(unsigned: remembered.changes)
          cbor.write(unsigned: remembered.clock.last.rawValue)
        }
      }
      memory.withLock { $0 = remembered }
      return result
    }
  }

  /// Takes part in another data set: does nothing if it is the same, and succeeds in a store
  /// without transactions.
  ///
  /// - Throws: `.storeMismatch` in a store that has transactions, unless `force` joins the two.
  public func adopt(_ storeID: StoreID, force: Bool = false) throws {
    guard storeID != self.storeID else { return }
    try withMemory { transaction, memory in
      let isEmpty = memory.heads.isEmpty && memory.nextRelease == nil
      guard storeID != memory.storeID else { return }
      guard isEmpty || force else {
        throw RecordStoreError.storeMismatch(local: memory.storeID, offered: storeID)
      }
      guard let meta = try MetaTree(transaction) else { return }
      try MetaTree.put(.store, in: meta.tree, of: transaction) { $0.write(bytes: storeID.bytes) }
      memory.storeID = storeID
      memory.changes += 1
    }
    identity.withLock { $0.storeID = storeID }
  }
}
