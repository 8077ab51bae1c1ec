// SPDX-License-Identifier: Apache-2.0

import CLMDB
import Workloads

/// Keys with sorted sets of values of one size.
final class LMDBMultimap: MeasuredMultimap {
  private let name: String
  private let environment: OpaquePointer
  private let tree: MDB_dbi

  init(_ name: String, in folder: String, flags: Int32) throws {
    self.name = name
    environment = try LMDB.openEnvironment(name, in: folder, flags: flags)
    do {
      tree = try LMDB.openTree(
        name, in: environment, flags: MDB_CREATE | MDB_DUPSORT | MDB_DUPFIXED)
    } catch {
      mdb_env_close(environment)
      throw error
    }
  }

  func insert(_ table: EntryTable, _ positions: [Int32]) throws {
    try write(table, positions) { transaction, key, value in
      // One that is there already would be a fault of the generator.
      try LMDB.check(
        name, "mdb_put", mdb_put(transaction, tree, &key, &value, UInt32(MDB_NODUPDATA)))
    }
  }

  func delete(_ table: EntryTable, _ positions: [Int32]) throws {
    try write(table, positions) { transaction, key, value in
      try LMDB.check(name, "mdb_del", mdb_del(transaction, tree, &key, &value))
    }
  }

  private func write(
    _ table: EntryTable, _ positions: [Int32],
    _ body: (OpaquePointer?, inout MDB_val, inout MDB_val) throws -> Void
  ) throws {
    try table.records.withMemory { memory in
      try LMDB.transact(name, in: environment) { transaction in
        for position in positions {
          var key = LMDB.item(memory.entryKey(position), EntryTable.keyBytes)
          var value = LMDB.item(memory.entryValue(position), EntryTable.valueBytes)
          try body(transaction, &key, &value)
        }
      }
    }
  }

  func ranges(_ table: EntryTable, from keys: [Int32], count: Int) throws -> Checksum {
    try table.records.withMemory { memory in
      try withCursor { cursor in
        var checksum = Checksum()
        for number in keys {
          var key = LMDB.item(memory.key(number), EntryTable.keyBytes)
          var operation = MDB_SET_RANGE
          for _ in 0..<count {
            guard try addValues(cursor, &key, operation, &checksum) else { break }
            operation = MDB_NEXT_NODUP
          }
        }
        return checksum
      }
    }
  }

  func scan() throws -> Checksum {
    try withCursor { cursor in
      var checksum = Checksum()
      var key = MDB_val()
      var operation = MDB_FIRST
      while try addValues(cursor, &key, operation, &checksum) { operation = MDB_NEXT_NODUP }
      return checksum
    }
  }

  /// Goes to a key and adds all its values, as many with one call as lie in one page; false where
  /// there is no such key.
  private func addValues(
    _ cursor: OpaquePointer?, _ key: inout MDB_val, _ operation: MDB_cursor_op,
    _ checksum: inout Checksum
  ) throws -> Bool {
    var values = MDB_val()
    var code = mdb_cursor_get(cursor, &key, &values, operation)
    if code == MDB_NOTFOUND { return false }
    try LMDB.check(name, "mdb_cursor_get", code)
    // A lone value has no page of its own to get: the call before has given it.
    var found = 0
    try LMDB.check(name, "mdb_cursor_count", mdb_cursor_count(cursor, &found))
    if found == 1 {
      checksum.add(values.mv_data, bytes: values.mv_size)
      return true
    }
    var left = found
    while left > 0 {
      let step = left == found ? MDB_GET_MULTIPLE : MDB_NEXT_MULTIPLE
      code = mdb_cursor_get(cursor, &key, &values, step)
      try LMDB.check(name, "mdb_cursor_get", code)
      for offset in stride(from: 0, to: values.mv_size, by: EntryTable.valueBytes) {
        checksum.add(values.mv_data + offset, bytes: EntryTable.valueBytes)
      }
      left -= values.mv_size / EntryTable.valueBytes
    }
    return true
  }

  private func withCursor(_ body: (OpaquePointer?) throws -> Checksum) throws -> Checksum {
    try LMDB.transact(name, in: environment, flags: MDB_RDONLY) { transaction in
      var cursor: OpaquePointer?
      try LMDB.check(name, "mdb_cursor_open", mdb_cursor_open(transaction, tree, &cursor))
      defer { mdb_cursor_close(cursor) }
      return try body(cursor)
    }
  }

  func close() throws { mdb_env_close(environment) }
}

extension TableMemory {
  /// Where the key of the entry of an `EntryTable` begins.
  @inline(__always)
  func entryKey(_ position: Int32) -> UnsafeRawPointer {
    key(position / Int32(EntryTable.valuesOfKey))
  }

  /// Where the value of the entry of an `EntryTable` begins.
  @inline(__always)
  func entryValue(_ position: Int32) -> UnsafeRawPointer {
    let number = Int(position) % EntryTable.valuesOfKey
    return value(position / Int32(EntryTable.valuesOfKey), shift: 0)
      + number * EntryTable.valueBytes
  }
}
