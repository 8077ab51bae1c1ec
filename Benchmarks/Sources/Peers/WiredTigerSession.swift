// SPDX-License-Identifier: Apache-2.0

import CWiredTiger
import Workloads

/// What the functions of WiredTiger answer.
enum WiredTiger {
  /// Throws what a code says, where it is none of success.
  @inline(__always)
  static func check(_ engine: String, _ call: String, _ code: Int32) throws {
    if code != 0 { throw error(engine, call, code) }
  }

  /// What a code says.
  ///
  /// `WT_ROLLBACK`: another transaction had changed the same records first, or the cache was too
  /// full; the whole transaction has to be run again.
  static func error(_ engine: String, _ call: String, _ code: Int32) -> PeerError {
    let message = String(cString: wiredtiger_strerror(code))
    return PeerError(engine, call, message, isConflict: code == WT_ROLLBACK)
  }
}

/// A session with a cursor on the table; one thread at a time may use it.
final class WiredTigerSession {
  let name: String
  let session: UnsafeMutablePointer<WT_SESSION>
  let cursor: UnsafeMutablePointer<WT_CURSOR>
  private var isClosed = false

  init(_ name: String, of connection: UnsafeMutablePointer<WT_CONNECTION>) throws {
    var opened: UnsafeMutablePointer<WT_SESSION>?
    try WiredTiger.check(name, "open_session", peers_wt_open_session(connection, &opened))
    guard let opened else { throw PeerError(name, "open_session", "no session") }
    var cursor: UnsafeMutablePointer<WT_CURSOR>?
    let code = peers_wt_open_cursor(opened, WiredTigerAdapter.tableName, &cursor)
    guard let cursor, code == 0 else {
      _ = peers_wt_close_session(opened)
      throw WiredTiger.error(name, "open_cursor", code)
    }
    self.name = name
    session = opened
    self.cursor = cursor
  }

  deinit {
    // Nobody is there to hear that it failed.
    try? close()
  }

  /// Ends it, its cursor and, if one is left, its transaction; once is enough.
  func close() throws {
    if isClosed { return }
    isClosed = true
    try WiredTiger.check(name, "session.close", peers_wt_close_session(session))
  }

  func transact(
    commit configuration: String?, _ body: (UnsafeMutablePointer<WT_CURSOR>) throws -> Void
  ) throws {
    try WiredTiger.check(name, "begin_transaction", peers_wt_begin(session, "isolation=snapshot"))
    do {
      try body(cursor)
      // A cursor left on a page would keep it in the cache.
      try WiredTiger.check(name, "cursor.reset", peers_wt_reset(cursor))
    } catch {
      try WiredTiger.check(name, "rollback_transaction", peers_wt_rollback(session))
      throw error
    }
    try WiredTiger.check(name, "commit_transaction", peers_wt_commit(session, configuration))
  }
}

/// A session in a transaction that only reads.
final class WiredTigerReader: MeasuredReader {
  private let session: WiredTigerSession
  private let name: String
  private let cursor: UnsafeMutablePointer<WT_CURSOR>
  private let readers: OpenReaders

  init(_ session: WiredTigerSession, counted readers: OpenReaders) throws {
    self.session = session
    name = session.name
    cursor = session.cursor
    let code = peers_wt_begin(session.session, "isolation=snapshot")
    try WiredTiger.check(name, "begin_transaction", code)
    self.readers = readers
    readers.enter()
  }

  deinit {
    // Before the engine may be closed, hence not left to the session's own end.
    try? session.close()
    readers.leave()
  }

  func renew() throws {
    try WiredTiger.check(name, "rollback_transaction", peers_wt_rollback(session.session))
    let code = peers_wt_begin(session.session, "isolation=snapshot")
    try WiredTiger.check(name, "begin_transaction", code)
  }

  func get(_ table: RecordTable, _ positions: ArraySlice<Int32>) throws -> Checksum {
    try table.withMemory { memory in
      var checksum = Checksum()
      for position in positions {
        peers_wt_set_key(cursor, memory.key(position), memory.keyBytes)
        let code = peers_wt_search(cursor)
        if code == WT_NOTFOUND { continue }
        try WiredTiger.check(name, "cursor.search", code)
        try addValue(to: &checksum)
      }
      try WiredTiger.check(name, "cursor.reset", peers_wt_reset(cursor))
      return checksum
    }
  }

  /// WiredTiger has no way to get several at once.
  func getTogether(_ table: RecordTable, _ positions: ArraySlice<Int32>) throws -> Checksum {
    try get(table, positions)
  }

  func seek(_ table: RecordTable, _ positions: ArraySlice<Int32>, steps: Int) throws -> Checksum {
    try table.withMemory { memory in
      var checksum = Checksum()
      for position in positions where steps > 0 {
        peers_wt_set_key(cursor, memory.key(position), memory.keyBytes)
        var side: Int32 = 0
        var code = peers_wt_search_near(cursor, &side)
        // It may stop at the key before.
        if code == 0, side < 0 { code = peers_wt_next(cursor) }
        var taken = 0
        while code != WT_NOTFOUND {
          try WiredTiger.check(name, "cursor.search_near or next", code)
          try addValue(to: &checksum)
          taken += 1
          if taken == steps { break }
          code = peers_wt_next(cursor)
        }
      }
      try WiredTiger.check(name, "cursor.reset", peers_wt_reset(cursor))
      return checksum
    }
  }

  func scan() throws -> Checksum {
    var checksum = Checksum()
    try WiredTiger.check(name, "cursor.reset", peers_wt_reset(cursor))
    while true {
      let code = peers_wt_next(cursor)
      if code == WT_NOTFOUND { break }
      try WiredTiger.check(name, "cursor.next", code)
      try addValue(to: &checksum)
    }
    try WiredTiger.check(name, "cursor.reset", peers_wt_reset(cursor))
    return checksum
  }

  @inline(__always)
  private func addValue(to checksum: inout Checksum) throws {
    var bytes: UnsafeRawPointer?
    var count = 0
    try WiredTiger.check(name, "cursor.get_value", peers_wt_get_value(cursor, &bytes, &count))
    checksum.add(bytes, bytes: count)
  }
}
