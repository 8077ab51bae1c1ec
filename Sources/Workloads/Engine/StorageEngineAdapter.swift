// SPDX-License-Identifier: Apache-2.0

public import StorageEngine

/// This store's own engine, measured through its public interface.
public struct StorageEngineKind: MeasuredEngineKind {
  /// As tables show it.
  public let name = "StorageEngine"

  /// The one kind of it.
  public init() {}

  /// Opens the store in a folder, with defaults but for the size of the cache and for more memory for
  /// the changes of a transaction, so that a load is not spilled.
  public func open(in folder: String, cacheBytes: Int) throws -> any MeasuredEngine {
    try StorageEngineAdapter(database(in: folder, cacheBytes: cacheBytes))
  }

  /// Measures a database that is open already; closing the adapter closes it.
  public static func adapter(of database: Database) throws -> any MeasuredEngine {
    try StorageEngineAdapter(database)
  }

  func database(in folder: String, cacheBytes: Int) throws -> Database {
    var configuration = Configuration()
    configuration.cacheBytes = cacheBytes
    configuration.transactionMemoryBytes = 512 << 20
    return try Database.openOrCreate(at: folder + "/store.records", configuration: configuration)
  }
}

/// One tree of a database, as the workloads use it.
final class StorageEngineAdapter: MeasuredEngine {
  let database: Database
  let tree: TreeID

  init(_ database: Database) throws {
    self.database = database
    let name = "records"
    tree =
      try database.read { try $0.tree(named: name) }
      ?? database.write { try $0.createTree(named: name) }
  }

  func update(
    _ table: RecordTable, _ positions: ArraySlice<Int32>, shift: Int, flushed: Bool
  ) throws {
    try database.write(durability: flushed ? .synced : .manual) { transaction in
      let records = table.bytes.span
      for position in positions {
        let source = (Int(position) + shift) % table.count
        try transaction.put(
          records.extracting(table.valueRange(source)),
          forKey: records.extracting(table.keyRange(Int(position))), in: tree)
      }
    }
  }

  func delete(_ table: RecordTable, _ positions: [Int32]) throws {
    try database.write { transaction in
      let records = table.bytes.span
      for position in positions {
        try transaction.delete(records.extracting(table.keyRange(Int(position))), in: tree)
      }
    }
  }

  func operate(_ table: RecordTable, _ operations: Operations, flushed: Bool) throws {
    try database.write(durability: flushed ? .synced : .manual) { transaction in
      func put(_ position: Int32, valueOf source: Int32) throws {
        try transaction.put(
          table.value(Int(source)), forKey: table.key(Int(position)), in: tree)
      }
      try put(operations.put.0, valueOf: operations.put.0)
      try put(operations.put.1, valueOf: operations.put.1)
      guard try transaction.value(forKey: table.key(Int(operations.get)), in: tree) != nil else {
        throw WorkloadError("a record is missing")
      }
      try put(operations.update, valueOf: operations.update + 1)
      try transaction.delete(table.key(Int(operations.delete)), in: tree)
    }
  }

  func makeReader() throws -> any MeasuredReader {
    StorageEngineReader(database: database, snapshot: try database.snapshot(), tree: tree)
  }

  func settle() throws {
    _ = try database.compact()
  }

  var logBytes: UInt64 {
    get throws { try database.information().logBytes }
  }

  func close() throws {
    try database.close()
  }
}

private final class StorageEngineReader: MeasuredReader {
  let database: Database
  var snapshot: Snapshot
  let tree: TreeID
  var keys = KeyBatch()

  init(database: Database, snapshot: Snapshot, tree: TreeID) {
    self.database = database
    self.snapshot = snapshot
    self.tree = tree
  }

  func renew() throws {
    snapshot = try database.snapshot()
  }

  func get(_ table: RecordTable, _ positions: ArraySlice<Int32>) throws -> Checksum {
    var checksum = Checksum()
    let records = table.bytes.span
    for position in positions {
      let key = records.extracting(table.keyRange(Int(position)))
      try snapshot.withValue(forKey: key, in: tree) { checksum.add(value: $0) }
    }
    return checksum
  }

  func getTogether(_ table: RecordTable, _ positions: ArraySlice<Int32>) throws -> Checksum {
    var checksum = Checksum()
    let records = table.bytes.span
    keys.removeAll()
    for position in positions { keys.append(records.extracting(table.keyRange(Int(position)))) }
    try snapshot.withValues(forKeys: keys, in: tree) { _, value in
      if let value { checksum.add(value: value) }
    }
    return checksum
  }

  func seek(_ table: RecordTable, _ positions: ArraySlice<Int32>, steps: Int) throws -> Checksum {
    var checksum = Checksum()
    for position in positions {
      var left = steps
      try snapshot.visit(tree, range: KeyRange(from: table.key(Int(position)))) { _, value in
        checksum.add(value: value)
        left -= 1
        return left > 0
      }
    }
    return checksum
  }

  func scan() throws -> Checksum {
    var checksum = Checksum()
    try snapshot.visit(tree) { _, value in
      checksum.add(value: value)
      return true
    }
    return checksum
  }
}
