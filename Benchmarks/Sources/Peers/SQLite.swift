// SPDX-License-Identifier: Apache-2.0

import CSQLite
import Synchronization
public import Workloads

/// SQLite: a B-tree in pages, with a write-ahead log, asked in SQL.
///
/// Its settings, and why:
/// - `journal_mode=WAL` and `synchronous=FULL`: every commit flushes the log once, with
///   `fdatasync`. With `NORMAL` a commit may be lost with the power.
/// - `wal_autocheckpoint` stays at its default of 1000 pages: the commit that fills them writes
///   them to their places, and waits for two more flushes.
/// - `page_size` 4096, the default; 8192 is a variant, for it holds more of these records each.
/// - `cache_size` is what every engine is given. Each connection has a cache of its own, but pages
///   read through the map do not go into it.
/// - `mmap_size` 16 GiB is asked for; Debian's library is built with 2 GiB less 64 KiB as the most
///   (`MAX_MMAP_SIZE`), and reads what lies beyond through the cache.
/// - The table is `WITHOUT ROWID`, so that it is one tree, by the key, and not two.
/// - Several values of a key are rows of a `WITHOUT ROWID` table whose primary key is both, which is
///   an index and nothing besides. Numbered records are rows by their rowid, which SQLite gives.
/// - `secure_delete=OFF`: Debian's library overwrites what is deleted with zeros unless told
///   otherwise; SQLite's own default does not, nor does another engine here.
/// - Statistics of memory are off, as SQLite's makers advise: they lock around each allocation.
/// - `SQLITE_OPEN_NOMUTEX`: no connection is used by two threads at once.
/// - All writers share one connection behind a lock. With a connection each they would find it busy
///   and sleep, which takes longer than waiting for a lock.
/// - Each reader has a connection with a transaction under way. `locking_mode=EXCLUSIVE`, which
///   saves the shared memory of the log, would let none of them in.
/// - Records are put with `ON CONFLICT … DO UPDATE`, which changes one that is there in less time
///   than `REPLACE`, and is no slower with new ones.
/// - Statements are prepared once for each connection; keys and values are bound without a copy.
/// - Commits without a flush have `synchronous=OFF`; the log is still written to the operating
///   system.
public struct SQLiteKind: MeasuredEngineKind {
  /// As tables show it, with the version of the library.
  public let name: String
  private let pageBytes: Int

  /// Pages of 4096 bytes, or the variant with others.
  public init(pageBytes: Int = 4096) {
    let pages = pageBytes == 4096 ? "" : ", \(pageBytes)-byte pages"
    name = "SQLite \(String(cString: sqlite3_libversion()))" + pages
    self.pageBytes = pageBytes
  }

  /// Opens the store in a folder with a cache of that size for each connection.
  public func open(in folder: String, cacheBytes: Int) throws -> any MeasuredEngine {
    try SQLiteAdapter(place(in: folder, cacheBytes: cacheBytes))
  }

  /// Opens a store with a table of keys and values that is their index.
  public func openMultimap(
    in folder: String, cacheBytes: Int
  ) throws -> (any MeasuredMultimap)? {
    try SQLiteMultimap(place(in: folder, cacheBytes: cacheBytes))
  }

  /// Opens a store with a table of rows by number.
  public func openSegments(
    in folder: String, cacheBytes: Int
  ) throws -> (any MeasuredSegments)? {
    try SQLiteSegments(place(in: folder, cacheBytes: cacheBytes))
  }

  private func place(in folder: String, cacheBytes: Int) -> SQLitePlace {
    // Refused once something in the process uses the library, which then counts on.
    _ = peers_sqlite_without_memory_statistics()
    return SQLitePlace(
      engine: name, folder: folder, cacheBytes: cacheBytes, pageBytes: pageBytes)
  }
}

/// What every connection to a store has to know.
struct SQLitePlace: Sendable {
  let engine: String
  let folder: String
  let cacheBytes: Int
  let pageBytes: Int

  var path: String { folder + "/store.sqlite" }

  /// Opens the connection that writes, whose commits are flushed.
  func openWriter() throws -> SQLiteConnection {
    let connection = try SQLiteConnection(self)
    try connection.execute("PRAGMA page_size=\(pageBytes)")
    try connection.execute("PRAGMA journal_mode=WAL")
    try connection.execute("PRAGMA synchronous=FULL")
    try connection.execute("PRAGMA secure_delete=OFF")
    try connection.require("journal_mode", "wal")
    try connection.require("page_size", String(pageBytes))
    return connection
  }
}

/// A store with the one connection that writes.
final class SQLiteAdapter: MeasuredEngine, @unchecked Sendable {
  private let place: SQLitePlace
  private let readers = OpenReaders()
  private let lock = Mutex(())
  // What follows is used under the lock.
  private let connection: SQLiteConnection
  private let begin: SQLiteStatement
  private let commit: SQLiteStatement
  private let rollback: SQLiteStatement
  private let upsert: SQLiteStatement
  private let remove: SQLiteStatement
  private let one: SQLiteStatement
  private var flushes = true
  /// Whether something was committed without a flush since all was flushed.
  private var owesFlush = false

  init(_ place: SQLitePlace) throws {
    self.place = place
    connection = try place.openWriter()
    try connection.execute(
      """
      CREATE TABLE IF NOT EXISTS records (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID
      """)
    begin = try connection.prepare("BEGIN IMMEDIATE")
    commit = try connection.prepare("COMMIT")
    rollback = try connection.prepare("ROLLBACK")
    upsert = try connection.prepare(
      """
      INSERT INTO records (key, value) VALUES (?1, ?2)
      ON CONFLICT (key) DO UPDATE SET value = excluded.value
      """)
    remove = try connection.prepare("DELETE FROM records WHERE key = ?1")
    one = try connection.prepare("SELECT value FROM records WHERE key = ?1")
  }

  func update(
    _ table: RecordTable, _ positions: ArraySlice<Int32>, shift: Int, flushed: Bool
  ) throws {
    try table.withMemory { memory in
      try transact(flushed: flushed) {
        for position in positions {
          try upsert.bind(1, memory.key(position), memory.keyBytes)
          try upsert.bind(2, memory.value(position, shift: shift), memory.valueBytes)
          try upsert.run()
        }
      }
    }
  }

  func delete(_ table: RecordTable, _ positions: [Int32]) throws {
    try table.withMemory { memory in
      try transact(flushed: true) {
        for position in positions {
          try remove.bind(1, memory.key(position), memory.keyBytes)
          try remove.run()
        }
      }
    }
  }

  func operate(_ table: RecordTable, _ operations: Operations, flushed: Bool) throws {
    try table.withMemory { memory in
      func put(_ position: Int32, shift: Int) throws {
        try upsert.bind(1, memory.key(position), memory.keyBytes)
        try upsert.bind(2, memory.value(position, shift: shift), memory.valueBytes)
        try upsert.run()
      }
      try transact(flushed: flushed) {
        try put(operations.put.0, shift: 0)
        try put(operations.put.1, shift: 0)
        try one.bind(1, memory.key(operations.get), memory.keyBytes)
        let isThere = try one.step()
        one.reset()
        guard isThere else { throw PeerError(place.engine, "SELECT", "a record is missing") }
        try put(operations.update, shift: 1)
        try remove.bind(1, memory.key(operations.delete), memory.keyBytes)
        try remove.run()
      }
    }
  }

  private func transact(flushed: Bool, _ body: () throws -> Void) throws {
    try lock.withLock { _ in
      try setFlushes(flushed)
      try begin.run()
      do {
        try body()
        try commit.run()
      } catch {
        // Some failures have rolled back already.
        if !connection.isOutsideTransaction { try rollback.run() }
        throw error
      }
      if !flushed { owesFlush = true }
    }
  }

  /// SQLite lets it change between transactions only.
  private func setFlushes(_ wanted: Bool) throws {
    if flushes == wanted { return }
    try connection.execute("PRAGMA synchronous=" + (wanted ? "FULL" : "OFF"))
    flushes = wanted
  }

  func makeReader() throws -> any MeasuredReader {
    try SQLiteReader(place, counted: readers)
  }

  func settle() throws {
    try lock.withLock { _ in
      try flushAll()
      // Where a reader needs the log, it is written to its places as far as that goes: to wait for
      // the reader to end would be in vain.
      try connection.setPatience(milliseconds: 0)
      try connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
      try connection.setPatience(milliseconds: 10_000)
    }
  }

  /// Sees to it that the coming checkpoint flushes the file of the store.
  ///
  /// A checkpoint after commits without a flush may have written it without one, and the next
  /// flushes it only where it has something to write: so there is a small commit.
  private func flushAll() throws {
    try setFlushes(true)
    guard owesFlush else { return }
    try connection.execute("PRAGMA user_version=1")
    owesFlush = false
  }

  var logBytes: UInt64 {
    get throws { try FileSizes.allocatedBytes(place.folder) { $0 != "store.sqlite" } }
  }

  func close() throws {
    try readers.requireNone(place.engine)
    try lock.withLock { _ in
      try flushAll()
      for statement in [begin, commit, rollback, upsert, remove, one] { statement.finalize() }
      try connection.close()
    }
  }
}
