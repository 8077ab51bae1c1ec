// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
public import StorageEngine

extension RecordStore {
  /// Makes a store from a snapshot: the same data set, written by a new replica.
  ///
  /// The store appears at `path` when it is complete and durable; if anything fails, nothing is
  /// left behind.
  ///
  /// - Parameters:
  ///   - path: Where the store is made; nothing may be there.
  ///   - name: What messages call the snapshot.
  ///   - read: Returns at most so many of its next bytes, none at its end.
  ///   - environment: Gives the new replica its identity.
  ///   - configuration: How the new database is written.
  ///   - progress: Is told how many bytes of the snapshot are restored.
  /// - Throws: `SnapshotError` with the place of what is wrong, `EngineError`, and what `read` and
  ///   `progress` throw.
  @discardableResult
  public static func restore(
    at path: String, fromSnapshot name: String, _ read: (Int) throws -> [UInt8],
    environment: Environment = .system, configuration: Configuration = .init(),
    progress: (UInt64) throws -> Void = { _ in }
  ) throws -> SnapshotSummary {
    try FileNames.checkAbsent(path)
    let suffix = try random(8, environment).map { String($0, radix: 16) }.joined()
    let partial = "\(path).restoring-\(suffix)"
    let database = try Database.create(at: partial, configuration: configuration)
    do {
      let summary = try withoutActuallyEscaping(read) { read in
        try restore(into: database, named: name, read, environment, progress)
      }
      try database.close()
      try FileNames.publish(partial, as: path)
      return summary
    } catch {
      // What failed is the first error; an unfinished file is of no use to anyone.
      try? database.close()
      FileNames.remove(partial)
      throw error
    }
  }

  /// Fills an empty database from a snapshot.
  static func restore(
    into database: Database, named name: String, _ read: @escaping (Int) throws -> [UInt8],
    _ environment: Environment, _ progress: (UInt64) throws -> Void
  ) throws -> SnapshotSummary {
    var loader = SnapshotLoader(database)
    let summary = try forEachEvent(named: name, read, progress) { event in
      switch event {
      case .begin(let storeID, _):
        try database.write(durability: .manual) { transaction in
          try initialize(transaction, environment, storeID: storeID)
        }
      case .tree(let name): try loader.beginTree(name)
      case .entry(let key, let value): try loader.append(key, value)
      case .end: try loader.flush()
      }
    }
    try database.flush()
    return summary
  }
}

/// Writes the entries of a snapshot into a new database, many in one transaction.
private struct SnapshotLoader {
  private let database: Database
  private var tree: TreeID?
  private var pending: [(key: [UInt8], value: [UInt8])] = []
  private var pendingBytes = 0
  private static let transactionBytes = 8 << 20

  init(_ database: Database) {
    self.database = database
  }

  mutating func beginTree(_ name: String) throws {
    try flush()
    tree = try database.write(durability: .manual) { transaction in
      try transaction.tree(named: name) ?? transaction.createTree(named: name)
    }
  }

  mutating func append(_ key: [UInt8], _ value: [UInt8]) throws {
    pending.append((key, value))
    pendingBytes += key.count + value.count + 32
    if pendingBytes >= Self.transactionBytes { try flush() }
  }

  mutating func flush() throws {
    guard let tree, !pending.isEmpty else { return }
    try database.write(durability: .manual) { transaction in
      for (key, value) in pending { try transaction.put(value, forKey: key, in: tree) }
    }
    pending.removeAll(keepingCapacity: true)
    pendingBytes = 0
  }
}
