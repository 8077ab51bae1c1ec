// SPDX-License-Identifier: Apache-2.0

import CLMDB
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
/// - Several values of a key: `MDB_DUPSORT` with `MDB_DUPFIXED`, as all have one size, and they are
///   read a page at a time, with `MDB_GET_MULTIPLE`. Numbered records: `MDB_INTEGERKEY`, inserted
///   with `MDB_APPEND`, as numbers grow.
/// - A thousand readers need a table with room for them, which is made when the store is opened.
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
    try LMDBAdapter(name, in: folder, flags: flags)
  }

  /// Opens a store with room for so many readers: LMDB's table of them cannot grow.
  public func openSnapshots(
    in folder: String, cacheBytes: Int, readers: Int
  ) throws -> (any MeasuredSnapshots)? {
    try LMDBAdapter(name, in: folder, flags: flags, readers: UInt32(readers))
  }

  /// Opens a store of sorted values of one size each, several to a key.
  public func openMultimap(
    in folder: String, cacheBytes: Int
  ) throws -> (any MeasuredMultimap)? {
    try LMDBMultimap(name, in: folder, flags: flags)
  }

  /// Opens a store whose keys are integers.
  public func openSegments(
    in folder: String, cacheBytes: Int
  ) throws -> (any MeasuredSegments)? {
    try LMDBSegments(name, in: folder, flags: flags)
  }

  private var flags: Int32 { MDB_NOTLS | (writesMap ? MDB_WRITEMAP : 0) }
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

  /// Opens the environment in a folder, with settings that `LMDBKind` tells of.
  static func openEnvironment(
    _ engine: String, in folder: String, flags: Int32, readers: UInt32 = 126
  ) throws -> OpaquePointer {
    var made: OpaquePointer?
    try check(engine, "mdb_env_create", mdb_env_create(&made))
    guard let made else { throw PeerError(engine, "mdb_env_create", "no environment") }
    do {
      try check(engine, "mdb_env_set_mapsize", mdb_env_set_mapsize(made, 64 << 30))
      try check(engine, "mdb_env_set_maxreaders", mdb_env_set_maxreaders(made, readers))
      try check(engine, "mdb_env_open", mdb_env_open(made, folder, UInt32(flags), 0o644))
    } catch {
      mdb_env_close(made)
      throw error
    }
    return made
  }

  /// Opens the unnamed tree, making it with those flags where it is not there yet.
  static func openTree(
    _ engine: String, in environment: OpaquePointer, flags: Int32
  ) throws -> MDB_dbi {
    try transact(engine, in: environment) { transaction in
      var tree: MDB_dbi = 0
      try check(engine, "mdb_dbi_open", mdb_dbi_open(transaction, nil, UInt32(flags), &tree))
      return tree
    }
  }

  /// Runs `body` in a transaction, which is flushed unless the environment is told otherwise; one
  /// that only reads ends with nothing to commit.
  static func transact<Result>(
    _ engine: String, in environment: OpaquePointer, flags: Int32 = 0,
    _ body: (OpaquePointer?) throws -> Result
  ) throws -> Result {
    var transaction: OpaquePointer?
    let code = mdb_txn_begin(environment, nil, UInt32(flags), &transaction)
    try check(engine, "mdb_txn_begin", code)
    let result: Result
    do {
      result = try body(transaction)
    } catch {
      mdb_txn_abort(transaction)
      throw error
    }
    try check(engine, "mdb_txn_commit", mdb_txn_commit(transaction))
    return result
  }

  /// Bytes that LMDB only reads, though its type does not say so.
  @inline(__always)
  static func item(_ bytes: UnsafeRawPointer, _ count: Int) -> MDB_val {
    MDB_val(mv_size: count, mv_data: UnsafeMutableRawPointer(mutating: bytes))
  }
}
