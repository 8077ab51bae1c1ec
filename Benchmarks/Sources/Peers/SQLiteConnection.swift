// SPDX-License-Identifier: Apache-2.0

import CSQLite

/// A connection that one thread at a time uses.
final class SQLiteConnection {
  let engine: String
  private let handle: OpaquePointer
  private var isClosed = false

  /// Opens a store, making it where it is not there yet, with the settings of every connection.
  init(_ place: SQLitePlace) throws {
    engine = place.engine
    var opened: OpaquePointer?
    let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
    let code = sqlite3_open_v2(place.path, &opened, flags, nil)
    guard let opened, code == SQLITE_OK else {
      defer { sqlite3_close(opened) }
      let message = String(cString: sqlite3_errmsg(opened))
      throw PeerError(engine, "sqlite3_open_v2", message)
    }
    handle = opened
    try setPatience(milliseconds: 10_000)
    // Negative: in KiB rather than in pages.
    try execute("PRAGMA cache_size=-\(place.cacheBytes / 1024)")
    try execute("PRAGMA mmap_size=\(16 << 30)")
  }

  deinit {
    // Nobody is there to hear that it failed.
    try? close()
  }

  /// Closes it, once all its statements are finalized; once is enough.
  func close() throws {
    if isClosed { return }
    try check("sqlite3_close", sqlite3_close(handle))
    isClosed = true
  }

  /// How long to try to get a lock that another connection has.
  ///
  /// As all writers share a connection, that is only while one opens or closes, or where a
  /// checkpoint finds readers.
  func setPatience(milliseconds: Int32) throws {
    try check("sqlite3_busy_timeout", sqlite3_busy_timeout(handle, milliseconds))
  }

  var isOutsideTransaction: Bool { sqlite3_get_autocommit(handle) != 0 }

  /// Throws what a code says, where it is none of success.
  @inline(__always)
  func check(_ call: String, _ code: Int32) throws {
    if code != SQLITE_OK { throw error(call) }
  }

  /// What the last call says.
  func error(_ call: String) -> PeerError {
    PeerError(engine, call, String(cString: sqlite3_errmsg(handle)))
  }

  func execute(_ statement: String) throws {
    try check("sqlite3_exec(\(statement))", sqlite3_exec(handle, statement, nil, nil, nil))
  }

  func prepare(_ text: String) throws -> SQLiteStatement {
    var made: OpaquePointer?
    let flags = UInt32(SQLITE_PREPARE_PERSISTENT)
    let code = sqlite3_prepare_v3(handle, text, -1, flags, &made, nil)
    try check("sqlite3_prepare_v3(\(text))", code)
    guard let made else { throw PeerError(engine, "sqlite3_prepare_v3", "nothing in: \(text)") }
    return SQLiteStatement(made, of: self)
  }

  /// Throws unless a setting has that value.
  func require(_ setting: String, _ wanted: String) throws {
    let statement = try prepare("PRAGMA \(setting)")
    defer { statement.finalize() }
    let found = try statement.step() ? statement.text : ""
    guard found == wanted else {
      throw PeerError(engine, "PRAGMA \(setting)", "\(found) rather than \(wanted)")
    }
  }
}

/// A prepared statement.
final class SQLiteStatement {
  private let handle: OpaquePointer
  private let connection: SQLiteConnection

  fileprivate init(_ handle: OpaquePointer, of connection: SQLiteConnection) {
    self.handle = handle
    self.connection = connection
  }

  /// Ends it; it must not be used afterwards.
  func finalize() {
    // It repeats the error of the last step, which was thrown.
    sqlite3_finalize(handle)
  }

  /// Binds bytes that stay where they are until the statement is bound anew or ended.
  @inline(__always)
  func bind(_ index: Int32, _ bytes: UnsafeRawPointer, _ count: Int) throws {
    // No destructor is `SQLITE_STATIC`.
    let code = sqlite3_bind_blob(handle, index, bytes, Int32(truncatingIfNeeded: count), nil)
    try connection.check("sqlite3_bind_blob", code)
  }

  @inline(__always)
  func bind(_ index: Int32, integer: Int64) throws {
    try connection.check("sqlite3_bind_int64", sqlite3_bind_int64(handle, index, integer))
  }

  /// Goes to the next row; false where there is none.
  @inline(__always)
  func step() throws -> Bool {
    let code = sqlite3_step(handle)
    if code == SQLITE_ROW { return true }
    guard code == SQLITE_DONE else { throw connection.error("sqlite3_step") }
    return false
  }

  /// Makes it ready to be bound and run again.
  @inline(__always)
  func reset() {
    // It repeats the error of the last step, which was thrown.
    sqlite3_reset(handle)
  }

  /// Runs it to its end.
  @inline(__always)
  func run() throws {
    defer { reset() }
    while try step() {}
  }

  /// The first column of the row, where it lies.
  @inline(__always)
  var blob: UnsafeRawPointer? { sqlite3_column_blob(handle, 0) }

  /// How many bytes `blob` has; to be asked for after it.
  @inline(__always)
  var blobBytes: Int { Int(sqlite3_column_bytes(handle, 0)) }

  /// The first column of the row as an integer.
  @inline(__always)
  var integer: Int64 { sqlite3_column_int64(handle, 0) }

  /// The first column of the row as text.
  var text: String { sqlite3_column_text(handle, 0).map { String(cString: $0) } ?? "" }
}
