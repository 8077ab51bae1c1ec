// SPDX-License-Identifier: Apache-2.0

import CWiredTiger
public import Workloads

/// WiredTiger: a B-tree with a cache and a log, the engine of MongoDB.
///
/// Its settings, and why:
/// - `cache_size` is the cache that every engine is given. The transactions under way have to fit
///   into it as well: their changes cannot be written out before they are committed.
/// - `log=(enabled=true,prealloc=true,recover=on)`: without a log a commit is durable only after a
///   checkpoint. Log files are made beforehand, so that few commits wait for one.
/// - `transaction_sync=(enabled=true,method=fsync)`: every commit waits for the flush of the log;
///   commits of several threads share one. On Linux the call is `fdatasync`.
/// - `session_max=256`, as each reader and each writing thread has a session of its own. Sessions
///   of writers are kept with their cursors, as opening them has a price.
/// - `eviction_dirty_trigger` stays at 20 % of the cache: where changes are more than that, writers
///   have to help evict. That is in vain while the changes are those of one transaction, and makes
///   a large one many times slower. 95 %, with `eviction_dirty_target` at 80 %, is a variant: it
///   loads and changes faster, and reads slower straight afterwards.
/// - Keys and values are raw bytes (`u`). Pages have their default sizes, checksums are on, nothing
///   is compressed, as by default.
/// - Transactions have snapshot isolation; of two that change the same record the later one
///   fails at once; it is run again when a commit is over.
/// - Commits without a flush have `sync=off`: the log record stays in memory for a while.
/// - Sorted records are loaded as others are. A bulk cursor is faster, but is no transaction.
public struct WiredTigerKind: MeasuredEngineKind {
  /// As tables show it, with the version of the library.
  public let name: String
  private let keepsChanges: Bool

  /// With the default limits of changes in the cache, or the variant with others.
  public init(keepsChanges: Bool = false) {
    var (major, minor, patch): (Int32, Int32, Int32) = (0, 0, 0)
    _ = wiredtiger_version(&major, &minor, &patch)
    name = "WiredTiger \(major).\(minor).\(patch)" + (keepsChanges ? ", 95 % dirty" : "")
    self.keepsChanges = keepsChanges
  }

  /// Opens the store in a folder with a cache of that size.
  public func open(in folder: String, cacheBytes: Int) throws -> any MeasuredEngine {
    try adapter(in: folder, cacheBytes: cacheBytes, sessions: 256)
  }

  /// Opens a store with room for the sessions of so many readers.
  public func openSnapshots(
    in folder: String, cacheBytes: Int, readers: Int
  ) throws -> (any MeasuredSnapshots)? {
    try adapter(in: folder, cacheBytes: cacheBytes, sessions: 256 + readers)
  }

  private func adapter(
    in folder: String, cacheBytes: Int, sessions: Int
  ) throws -> WiredTigerAdapter {
    let configuration = """
      create,cache_size=\(cacheBytes),session_max=\(sessions),\
      log=(enabled=true,prealloc=true,recover=on),transaction_sync=(enabled=true,method=fsync)
      """
    let limits = keepsChanges ? ",eviction_dirty_target=80,eviction_dirty_trigger=95" : ""
    return try WiredTigerAdapter(name, in: folder, configuration + limits)
  }
}

/// A connection with one table.
final class WiredTigerAdapter: MeasuredSnapshots, @unchecked Sendable {
  static let tableName = "table:records"
  private let name: String
  private let folder: String
  private let connection: UnsafeMutablePointer<WT_CONNECTION>
  private let readers = OpenReaders()
  private let writers: WiredTigerWriters

  init(_ name: String, in folder: String, _ configuration: String) throws {
    self.name = name
    self.folder = folder
    var opened: UnsafeMutablePointer<WT_CONNECTION>?
    try WiredTiger.check(name, "wiredtiger_open", peers_wt_open(folder, configuration, &opened))
    guard let opened else { throw PeerError(name, "wiredtiger_open", "no connection") }
    connection = opened
    writers = WiredTigerWriters(name, of: opened)
    // Makes the table unless it is there.
    var session: UnsafeMutablePointer<WT_SESSION>?
    try WiredTiger.check(name, "open_session", peers_wt_open_session(connection, &session))
    let code = peers_wt_create(session, Self.tableName, "key_format=u,value_format=u")
    try WiredTiger.check(name, "create", code)
    try WiredTiger.check(name, "session.close", peers_wt_close_session(session))
  }

  func update(
    _ table: RecordTable, _ positions: ArraySlice<Int32>, shift: Int, flushed: Bool
  ) throws {
    try table.withMemory { memory in
      try transact(flushed: flushed) { cursor in
        for position in positions {
          peers_wt_set_key(cursor, memory.key(position), memory.keyBytes)
          let value = memory.value(position, shift: shift)
          peers_wt_set_value(cursor, value, memory.valueBytes)
          try WiredTiger.check(name, "cursor.insert", peers_wt_insert(cursor))
        }
      }
    }
  }

  func delete(_ table: RecordTable, _ positions: [Int32]) throws {
    try table.withMemory { memory in
      try transact(flushed: true) { cursor in
        for position in positions {
          peers_wt_set_key(cursor, memory.key(position), memory.keyBytes)
          let code = peers_wt_remove(cursor)
          if code != WT_NOTFOUND { try WiredTiger.check(name, "cursor.remove", code) }
        }
      }
    }
  }

  func operate(_ table: RecordTable, _ operations: Operations, flushed: Bool) throws {
    try table.withMemory { memory in
      func put(
        _ cursor: UnsafeMutablePointer<WT_CURSOR>, _ position: Int32, shift: Int
      ) throws {
        peers_wt_set_key(cursor, memory.key(position), memory.keyBytes)
        peers_wt_set_value(cursor, memory.value(position, shift: shift), memory.valueBytes)
        try WiredTiger.check(name, "cursor.insert", peers_wt_insert(cursor))
      }
      try transact(flushed: flushed) { cursor in
        try put(cursor, operations.put.0, shift: 0)
        try put(cursor, operations.put.1, shift: 0)
        peers_wt_set_key(cursor, memory.key(operations.get), memory.keyBytes)
        try WiredTiger.check(name, "cursor.search", peers_wt_search(cursor))
        try put(cursor, operations.update, shift: 1)
        peers_wt_set_key(cursor, memory.key(operations.delete), memory.keyBytes)
        try WiredTiger.check(name, "cursor.remove", peers_wt_remove(cursor))
      }
    }
  }

  private func transact(
    flushed: Bool, _ body: (UnsafeMutablePointer<WT_CURSOR>) throws -> Void
  ) throws {
    try writers.transact { try $0.transact(commit: flushed ? nil : "sync=off", body) }
  }

  func makeReader() throws -> any MeasuredReader {
    try WiredTigerReader(WiredTigerSession(name, of: connection), counted: readers)
  }

  /// A session is kept, and has one transaction after the other.
  func beginReads(_ count: Int) throws {
    let reader = try makeReader()
    for _ in 0..<count { try reader.renew() }
  }

  func settle() throws {
    try writers.withSession { session in
      try WiredTiger.check(name, "checkpoint", peers_wt_checkpoint(session.session))
    }
  }

  var logBytes: UInt64 {
    get throws {
      try FileSizes.allocatedBytes(folder) {
        $0.hasPrefix("WiredTigerLog.") || $0.hasPrefix("WiredTigerPreplog.")
      }
    }
  }

  func close() throws {
    try readers.requireNone(name)
    try writers.close()
    try WiredTiger.check(name, "connection.close", peers_wt_close(connection))
  }
}
