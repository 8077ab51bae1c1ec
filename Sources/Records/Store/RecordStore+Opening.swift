// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
public import StorageEngine

extension RecordStore {
  /// Creates a store; fails if anything is at `path`.
  public static func create(
    at path: String, environment: Environment = .system, configuration: Configuration = .init()
  ) throws -> RecordStore {
    let database = try Database.create(at: path, configuration: configuration)
    return try create(in: database, environment: environment)
  }

  /// Opens a store; for reading only if the configuration says so.
  ///
  /// - Throws: `EngineError` for the file, `RecordStoreError.notARecordStore` when it holds
  ///   something else.
  public static func open(
    at path: String, environment: Environment = .system, configuration: Configuration = .init()
  ) throws -> RecordStore {
    let database = try Database.open(at: path, configuration: configuration)
    do {
      return try open(in: database, environment: environment, name: path)
    } catch {
      // The first error says what is wrong; closing an untouched file adds nothing to it.
      try? database.close()
      throw error
    }
  }

  /// Makes an empty database a store with an identity of its own.
  public static func create(
    in database: Database, environment: Environment = .system
  ) throws -> RecordStore {
    try database.write { transaction in
      guard try transaction.trees().isEmpty else {
        throw EngineError.treeExists(StoreTree.meta)
      }
      try initialize(transaction, environment)
    }
    return try RecordStore(database, environment)
  }

  /// Opens the store in a database.
  ///
  /// - Throws: `RecordStoreError.notARecordStore` when it holds something else.
  public static func open(
    in database: Database, environment: Environment = .system
  ) throws -> RecordStore {
    try open(in: database, environment: environment, name: "the database")
  }

  private static func open(
    in database: Database, environment: Environment, name: String
  ) throws -> RecordStore {
    let snapshot = try database.snapshot()
    defer { snapshot.close() }
    guard let meta = try MetaTree(snapshot) else {
      // A database without trees is a store whose creation was cut short.
      guard try snapshot.trees().isEmpty else { throw RecordStoreError.notARecordStore(path: name) }
      do {
        return try create(in: database, environment: environment)
      } catch EngineError.readOnly {
        throw RecordStoreError.notARecordStore(path: name)
      }
    }
    let format = try meta.format()
    guard format <= recordFormatVersion else {
      throw RecordStoreError.unsupportedVersion(found: format, supported: recordFormatVersion)
    }
    let store = try RecordStore(database, environment)
    do {
      try store.releaseHeld()
    } catch EngineError.readOnly {
      // What waits goes on waiting.
    }
    return store
  }

  /// Writes the trees of a store without records.
  static func initialize(
    _ transaction: WriteTransaction, _ environment: Environment, storeID: StoreID? = nil
  ) throws {
    let meta = try transaction.createTree(named: StoreTree.meta)
    _ = try Journal.create(in: transaction)
    _ = try transaction.createTree(named: StoreTree.tombstones)
    let storeBytes = try storeID?.bytes ?? random(StoreID.byteCount, environment)
    let originBytes = try random(Origin.byteCount, environment)
    try MetaTree.put(.format, in: meta, of: transaction) { cbor in
      cbor.write(unsigned: recordFormatVersion)
    }
    try MetaTree.put(.store, in: meta, of: transaction) { $0.write(bytes: storeBytes) }
    try MetaTree.put(.origin, in: meta, of: transaction) { $0.write(bytes: originBytes) }
  }

  /// So many random bytes, and never fewer.
  static func random(_ count: Int, _ environment: Environment) throws -> [UInt8] {
    let bytes = environment.randomBytes(count)
    guard bytes.count == count else {
      throw EngineError.invalidConfiguration(
        "the random generator gave \(bytes.count) bytes instead of \(count)")
    }
    return bytes
  }
}
