// SPDX-License-Identifier: Apache-2.0

import CLMDB
import Workloads

/// A read transaction and a cursor in it.
final class LMDBReader: MeasuredReader {
  private let name: String
  private let tree: MDB_dbi
  private let transaction: OpaquePointer
  private let cursor: OpaquePointer
  private let readers: OpenReaders

  init(
    _ name: String, of environment: OpaquePointer, _ tree: MDB_dbi, counted readers: OpenReaders
  ) throws {
    var begun: OpaquePointer?
    let code = mdb_txn_begin(environment, nil, UInt32(MDB_RDONLY), &begun)
    try LMDB.check(name, "mdb_txn_begin", code)
    var opened: OpaquePointer?
    let cursorCode = mdb_cursor_open(begun, tree, &opened)
    guard let begun, let opened, cursorCode == MDB_SUCCESS else {
      mdb_txn_abort(begun)
      throw PeerError(name, "mdb_cursor_open", String(cString: mdb_strerror(cursorCode)))
    }
    self.name = name
    self.tree = tree
    transaction = begun
    cursor = opened
    self.readers = readers
    readers.enter()
  }

  deinit {
    mdb_cursor_close(cursor)
    mdb_txn_abort(transaction)
    readers.leave()
  }

  func renew() throws {
    mdb_txn_reset(transaction)
    try LMDB.check(name, "mdb_txn_renew", mdb_txn_renew(transaction))
    try LMDB.check(name, "mdb_cursor_renew", mdb_cursor_renew(transaction, cursor))
  }

  func get(_ table: RecordTable, _ positions: ArraySlice<Int32>) throws -> Checksum {
    try table.withMemory { memory in
      var checksum = Checksum()
      for position in positions {
        var key = LMDB.item(memory.key(position), memory.keyBytes)
        var value = MDB_val()
        let code = mdb_get(transaction, tree, &key, &value)
        if code == MDB_NOTFOUND { continue }
        try LMDB.check(name, "mdb_get", code)
        checksum.add(value.mv_data, bytes: value.mv_size)
      }
      return checksum
    }
  }

  /// LMDB has no way to get several at once: `MDB_GET_MULTIPLE` is for values of one key.
  func getTogether(_ table: RecordTable, _ positions: ArraySlice<Int32>) throws -> Checksum {
    try get(table, positions)
  }

  func seek(_ table: RecordTable, _ positions: ArraySlice<Int32>, steps: Int) throws -> Checksum {
    try table.withMemory { memory in
      var checksum = Checksum()
      for position in positions {
        var key = LMDB.item(memory.key(position), memory.keyBytes)
        var operation = MDB_SET_RANGE
        for _ in 0..<steps {
          guard try step(&key, operation, &checksum) else { break }
          operation = MDB_NEXT
        }
      }
      return checksum
    }
  }

  func scan() throws -> Checksum {
    var checksum = Checksum()
    var key = MDB_val()
    var operation = MDB_FIRST
    while try step(&key, operation, &checksum) { operation = MDB_NEXT }
    return checksum
  }

  @inline(__always)
  private func step(
    _ key: inout MDB_val, _ operation: MDB_cursor_op, _ checksum: inout Checksum
  ) throws -> Bool {
    var value = MDB_val()
    let code = mdb_cursor_get(cursor, &key, &value, operation)
    if code == MDB_NOTFOUND { return false }
    try LMDB.check(name, "mdb_cursor_get", code)
    checksum.add(value.mv_data, bytes: value.mv_size)
    return true
  }
}
