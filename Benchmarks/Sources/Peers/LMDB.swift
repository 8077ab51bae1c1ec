// SPDX-License-Identifier: Apache-2.0

import CLMDB
import Synchronization
public import Workloads

/// LMDB: a copy-on-write B+ tree in a memory map.
///
/// Its settings, and why:
/// - The map is 64 GiB, which costs address space alone: LMDB cannot grow it while it is in use.
///   There is no cache of its own, so the size of one is not heeded: it reads from the system's.
/// - Commits are flushed as by default: the pages with `fdatasync`, then the meta page, written
///   through a descriptor opened with `O_DSYNC`. That is two flushes for each commit, and what it
///   takes to survive power loss; `MDB_NOMETASYNC`, which saves one, may lose the last commit.
/// - `MDB_NOTLS`, so that a thread may hold several readers and a reader belongs to no thread; 126
///   readers, the default.
/// - `MDB_NORDAHEAD` is off: it helps only where data do not fit into memory, and slows the first
///   reading of those that do.
/// - `MDB_WRITEMAP` is a variant: it writes into the map, which saves copies and system calls, and
///   flushes with `msync`. LMDB's makers advise it for what fits into memory, but a stray pointer
///   of the program can then destroy the store.
/// - Records that come sorted are loaded with `MDB_APPEND`, which fills pages to the brim.
/// - Commits need no flush while `MDB_NOSYNC` is set. It belongs to the environment, not to the
///   transaction, so it changes under the lock that orders the writers.
/// - Cursors and read transactions are kept as long as a reader is.
public struct LMDBKind: MeasuredEngineKind {
  /// As tables show it, with the version of the library.
  public let name: String
  private let writesMap: Bool

  /// The default, or the variant that writes into the map.
  public init(writesMap: Bool = false) {
    var (major, minor, patch): (Int32, Int32, Int32) = (0, 0, 0)
    mdb_version(&major, &minor, &patch)
    name = "LMDB \(major).\(minor).\(patch)" + (writesMap ? ", WRITEMAP" : "")
    self.writesMap = writesMap
  }

  /// Opens the store in a folder; LMDB has no cache to give bytes to.
  public func open(in folder: String, cacheBytes: Int) throws -> any MeasuredEngine {
    try LMDBAdapter(name, in: folder, flags: MDB_NOTLS | (writesMap ? MDB_WRITEMAP : 0))
  }
}

/// What LMDB's functions take and answer.
enum LMDB {
  /// Throws what a code says, where it is none of success.
  @inline(__always)
  static func check(_ engine: String, _ call: String, _ code: Int32) throws {
    if code != MDB_SUCCESS { throw error(engine, call, code) }
  }

  private static func error(_ engine: String, _ call: String, _ code: Int32) -> PeerError {
    PeerError(engine, call, String(cString: mdb_strerror(code)))
  }

  /// Bytes that LMDB only reads, though its type does not say so.
  @inline(__always)
  static func item(_ bytes: UnsafeRawPointer, _ count: Int) -> MDB_val {
    MDB_val(mv_size: count, mv_data: UnsafeMutableRawPointer(mutating: bytes))
  }
}

/// An environment with its one unnamed tree.
final class LMDBAdapter: MeasuredEngine, @unchecked Sendable {
  private let name: String
  private let environment: OpaquePointer
  private let tree: MDB_dbi
  private let readers = OpenReaders()
  /// Whether commits are flushed now; the lock also orders the writers.
  private let flushes = Mutex(true)

  init(_ name: String, in folder: String, flags: Int32) throws {
    self.name = name
    var made: OpaquePointer?
    try LMDB.check(name, "mdb_env_create", mdb_env_create(&made))
    guard let made else { throw PeerError(name, "mdb_env_create", "no environment") }
    do {
      try LMDB.check(name, "mdb_env_set_mapsize", mdb_env_set_mapsize(made, 64 << 30))
      try LMDB.check(name, "mdb_env_set_maxreaders", mdb_env_set_maxreaders(made, 126))
      try LMDB.check(name, "mdb_env_open", mdb_env_open(made, folder, UInt32(flags), 0o644))
      tree = try Self.openTree(name, in: made)
    } catch {
      mdb_env_close(made)
      throw error
    }
    environment = made
  }

  private static func openTree(_ name: String, in environment: OpaquePointer) throws -> MDB_dbi {
    var transaction: OpaquePointer?
    try LMDB.check(name, "mdb_txn_begin", mdb_txn_begin(environment, nil, 0, &transaction))
    var tree: MDB_dbi = 0
    let code = mdb_dbi_open(transaction, nil, 0, &tree)
    if code != MDB_SUCCESS { mdb_txn_abort(transaction) }
    try LMDB.check(name, "mdb_dbi_open", code)
    try LMDB.check(name, "mdb_txn_commit", mdb_txn_commit(transaction))
    return tree
  }

  func load(_ table: RecordTable, _ positions: [Int32], sorted: Bool) throws {
    let flags = UInt32(sorted ? MDB_APPEND : 0)
    try write(table, positions[...], shift: 0, flags: flags, flushed: true)
  }

  func put(_ table: RecordTable, _ positions: ArraySlice<Int32>, flushed: Bool) throws {
    try write(table, positions, shift: 0, flags: 0, flushed: flushed)
  }

  func update(
    _ table: RecordTable, _ positions: ArraySlice<Int32>, shift: Int, flushed: Bool
  ) throws {
    try write(table, positions, shift: shift, flags: 0, flushed: flushed)
  }

  private func write(
    _ table: RecordTable, _ positions: ArraySlice<Int32>, shift: Int, flags: UInt32, flushed: Bool
  ) throws {
    try table.withMemory { memory in
      try transact(flushed: flushed) { transaction in
        for position in positions {
          var key = LMDB.item(memory.key(position), memory.keyBytes)
          var value = LMDB.item(memory.value(position, shift: shift), memory.valueBytes)
          try LMDB.check(name, "mdb_put", mdb_put(transaction, tree, &key, &value, flags))
        }
      }
    }
  }

  func delete(_ table: RecordTable, _ positions: [Int32]) throws {
    try table.withMemory { memory in
      try transact(flushed: true) { transaction in
        for position in positions {
          var key = LMDB.item(memory.key(position), memory.keyBytes)
          let code = mdb_del(transaction, tree, &key, nil)
          if code != MDB_NOTFOUND { try LMDB.check(name, "mdb_del", code) }
        }
      }
    }
  }

  func operate(_ table: RecordTable, _ operations: Operations, flushed: Bool) throws {
    try table.withMemory { memory in
      func put(_ transaction: OpaquePointer?, _ position: Int32, shift: Int) throws {
        var key = LMDB.item(memory.key(position), memory.keyBytes)
        var value = LMDB.item(memory.value(position, shift: shift), memory.valueBytes)
        try LMDB.check(name, "mdb_put", mdb_put(transaction, tree, &key, &value, 0))
      }
      try transact(flushed: flushed) { transaction in
        try put(transaction, operations.put.0, shift: 0)
        try put(transaction, operations.put.1, shift: 0)
        var key = LMDB.item(memory.key(operations.get), memory.keyBytes)
        var value = MDB_val()
        try LMDB.check(name, "mdb_get", mdb_get(transaction, tree, &key, &value))
        try put(transaction, operations.update, shift: 1)
        key = LMDB.item(memory.key(operations.delete), memory.keyBytes)
        try LMDB.check(name, "mdb_del", mdb_del(transaction, tree, &key, nil))
      }
    }
  }

  private func transact(flushed: Bool, _ body: (OpaquePointer?) throws -> Void) throws {
    try flushes.withLock { flushes in
      if flushes != flushed {
        let code = mdb_env_set_flags(environment, UInt32(MDB_NOSYNC), flushed ? 0 : 1)
        try LMDB.check(name, "mdb_env_set_flags", code)
        flushes = flushed
      }
      var transaction: OpaquePointer?
      try LMDB.check(name, "mdb_txn_begin", mdb_txn_begin(environment, nil, 0, &transaction))
      do {
        try body(transaction)
      } catch {
        mdb_txn_abort(transaction)
        throw error
      }
      try LMDB.check(name, "mdb_txn_commit", mdb_txn_commit(transaction))
    }
  }

  func makeReader() throws -> any MeasuredReader {
    try LMDBReader(name, of: environment, tree, counted: readers)
  }

  func settle() throws {
    try LMDB.check(name, "mdb_env_sync", mdb_env_sync(environment, 1))
  }

  /// There is none.
  var logBytes: UInt64 { 0 }

  func close() throws {
    try readers.requireNone(name)
    // Closing does not flush what was committed without.
    try settle()
    mdb_env_close(environment)
  }
}
