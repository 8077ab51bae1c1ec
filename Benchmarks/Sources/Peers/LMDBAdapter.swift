// SPDX-License-Identifier: Apache-2.0

import CLMDB
import Synchronization
import Workloads

/// An environment with its one unnamed tree.
final class LMDBAdapter: MeasuredSnapshots, @unchecked Sendable {
  private let name: String
  private let environment: OpaquePointer
  private let tree: MDB_dbi
  private let readers = OpenReaders()
  /// Whether commits are flushed now; the lock also orders the writers.
  private let flushes = Mutex(true)

  init(_ name: String, in folder: String, flags: Int32, readers: UInt32 = 126) throws {
    self.name = name
    environment = try LMDB.openEnvironment(name, in: folder, flags: flags, readers: readers)
    do {
      tree = try LMDB.openTree(name, in: environment, flags: 0)
    } catch {
      mdb_env_close(environment)
      throw error
    }
  }

  func load(_ table: RecordTable, _ positions: [Int32], sorted: Bool) throws {
    let flags = UInt32(sorted ? MDB_APPEND : 0)
    try write(table, positions[...], shift: 0, flags: flags, flushed: true)
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
      try LMDB.transact(name, in: environment, body)
    }
  }

  func makeReader() throws -> any MeasuredReader {
    try LMDBReader(name, of: environment, tree, counted: readers)
  }

  /// A transaction is kept and renewed, which takes no slot in the table of readers anew.
  func beginReads(_ count: Int) throws {
    var begun: OpaquePointer?
    let code = mdb_txn_begin(environment, nil, UInt32(MDB_RDONLY), &begun)
    try LMDB.check(name, "mdb_txn_begin", code)
    defer { mdb_txn_abort(begun) }
    for _ in 0..<count {
      mdb_txn_reset(begun)
      try LMDB.check(name, "mdb_txn_renew", mdb_txn_renew(begun))
    }
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
