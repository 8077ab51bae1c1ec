// SPDX-License-Identifier: Apache-2.0

import CLMDB
import Workloads

/// Records whose keys are integers of the machine, from one on.
final class LMDBSegments: MeasuredSegments {
  private let name: String
  private let environment: OpaquePointer
  private let tree: MDB_dbi

  init(_ name: String, in folder: String, flags: Int32) throws {
    self.name = name
    environment = try LMDB.openEnvironment(name, in: folder, flags: flags)
    do {
      tree = try LMDB.openTree(name, in: environment, flags: MDB_CREATE | MDB_INTEGERKEY)
    } catch {
      mdb_env_close(environment)
      throw error
    }
  }

  func insert(_ table: RecordTable) throws {
    try table.withMemory { memory in
      try LMDB.transact(name, in: environment) { transaction in
        for position in 0..<Int32(table.count) {
          try put(
            transaction, position, memory.value(position, shift: 0), memory.valueBytes,
            flags: MDB_APPEND)
        }
      }
    }
  }

  func update(_ table: RecordTable, _ positions: [Int32], shift: Int) throws {
    try table.withMemory { memory in
      try LMDB.transact(name, in: environment) { transaction in
        for position in positions {
          let value = memory.value(position, shift: shift)
          try put(transaction, position, value, memory.valueBytes, flags: 0)
        }
      }
    }
  }

  @inline(__always)
  private func put(
    _ transaction: OpaquePointer?, _ position: Int32, _ bytes: UnsafeRawPointer, _ count: Int,
    flags: Int32
  ) throws {
    var value = LMDB.item(bytes, count)
    try withUnsafeBytes(of: UInt(position) + 1) { number in
      var key = MDB_val(
        mv_size: number.count, mv_data: UnsafeMutableRawPointer(mutating: number.baseAddress))
      try LMDB.check(name, "mdb_put", mdb_put(transaction, tree, &key, &value, UInt32(flags)))
    }
  }

  func read(_ positions: [Int32]) throws -> Checksum {
    try LMDB.transact(name, in: environment, flags: MDB_RDONLY) { transaction in
      var checksum = Checksum()
      for position in positions {
        try withUnsafeBytes(of: UInt(position) + 1) { number in
          var key = MDB_val(
            mv_size: number.count, mv_data: UnsafeMutableRawPointer(mutating: number.baseAddress))
          var value = MDB_val()
          let code = mdb_get(transaction, tree, &key, &value)
          if code == MDB_NOTFOUND { return }
          try LMDB.check(name, "mdb_get", code)
          checksum.add(value.mv_data, bytes: value.mv_size)
        }
      }
      return checksum
    }
  }

  func scan() throws -> Checksum {
    try LMDB.transact(name, in: environment, flags: MDB_RDONLY) { transaction in
      var cursor: OpaquePointer?
      try LMDB.check(name, "mdb_cursor_open", mdb_cursor_open(transaction, tree, &cursor))
      defer { mdb_cursor_close(cursor) }
      var checksum = Checksum()
      var (key, value) = (MDB_val(), MDB_val())
      var code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST)
      while code == MDB_SUCCESS {
        checksum.add(value.mv_data, bytes: value.mv_size)
        code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)
      }
      if code != MDB_NOTFOUND { try LMDB.check(name, "mdb_cursor_get", code) }
      return checksum
    }
  }

  func close() throws { mdb_env_close(environment) }
}
