// SPDX-License-Identifier: Apache-2.0

import CRocksDB
import Workloads

/// A database with its default column family.
final class RocksDBAdapter: MeasuredSnapshots, @unchecked Sendable {
  let name: String
  let database: OpaquePointer
  /// The default column family, which the call for several keys has to be given.
  private let family: OpaquePointer
  private let flushing: OpaquePointer?
  private let unflushed: OpaquePointer?
  let reading: OpaquePointer?
  private let folder: String
  private let readers = OpenReaders()

  init(_ name: String, in folder: String, _ options: OpaquePointer?) throws {
    self.name = name
    var message: UnsafeMutablePointer<CChar>?
    var families: [OpaquePointer?] = [nil]
    let opened = "default".withCString { family in
      rocksdb_open_column_families(options, folder, 1, [family], [options], &families, &message)
    }
    try RocksDB.check(name, "rocksdb_open_column_families", message)
    guard let opened, let family = families[0] else {
      throw PeerError(name, "rocksdb_open_column_families", "no database")
    }
    database = opened
    self.family = family
    self.folder = folder
    reading = rocksdb_readoptions_create()
    flushing = rocksdb_writeoptions_create()
    rocksdb_writeoptions_set_sync(flushing, 1)
    unflushed = rocksdb_writeoptions_create()
    rocksdb_writeoptions_set_sync(unflushed, 0)
  }

  deinit {
    rocksdb_writeoptions_destroy(flushing)
    rocksdb_writeoptions_destroy(unflushed)
    rocksdb_readoptions_destroy(reading)
  }

  func update(
    _ table: RecordTable, _ positions: ArraySlice<Int32>, shift: Int, flushed: Bool
  ) throws {
    try table.withMemory { memory in
      try write(flushed: flushed) { batch in
        for position in positions {
          rocksdb_writebatch_put(
            batch, memory.key(position).characters, memory.keyBytes,
            memory.value(position, shift: shift).characters, memory.valueBytes)
        }
      }
    }
  }

  func delete(_ table: RecordTable, _ positions: [Int32]) throws {
    try table.withMemory { memory in
      try write(flushed: true) { batch in
        for position in positions {
          rocksdb_writebatch_delete(batch, memory.key(position).characters, memory.keyBytes)
        }
      }
    }
  }

  /// A `WriteBatch` is not read by a get; the record to get was committed before.
  func operate(_ table: RecordTable, _ operations: Operations, flushed: Bool) throws {
    try table.withMemory { memory in
      func put(_ batch: OpaquePointer?, _ position: Int32, shift: Int) {
        rocksdb_writebatch_put(
          batch, memory.key(position).characters, memory.keyBytes,
          memory.value(position, shift: shift).characters, memory.valueBytes)
      }
      let key = memory.key(operations.get).characters
      var message: UnsafeMutablePointer<CChar>?
      let slice = rocksdb_get_pinned(database, reading, key, memory.keyBytes, &message)
      try RocksDB.check(name, "rocksdb_get_pinned", message)
      guard let slice else { throw PeerError(name, "rocksdb_get_pinned", "a record is missing") }
      rocksdb_pinnableslice_destroy(slice)
      try write(flushed: flushed) { batch in
        put(batch, operations.put.0, shift: 0)
        put(batch, operations.put.1, shift: 0)
        put(batch, operations.update, shift: 1)
        rocksdb_writebatch_delete(
          batch, memory.key(operations.delete).characters, memory.keyBytes)
      }
    }
  }

  func write(flushed: Bool = true, _ body: (OpaquePointer?) -> Void) throws {
    let batch = rocksdb_writebatch_create()
    defer { rocksdb_writebatch_destroy(batch) }
    body(batch)
    var message: UnsafeMutablePointer<CChar>?
    rocksdb_write(database, flushed ? flushing : unflushed, batch, &message)
    try RocksDB.check(name, "rocksdb_write", message)
  }

  func makeReader() throws -> any MeasuredReader {
    RocksDBReader(name, of: database, family, counted: readers)
  }

  func beginReads(_ count: Int) throws {
    for _ in 0..<count {
      rocksdb_release_snapshot(database, rocksdb_create_snapshot(database))
    }
  }

  func settle() throws {
    let options = rocksdb_flushoptions_create()
    defer { rocksdb_flushoptions_destroy(options) }
    rocksdb_flushoptions_set_wait(options, 1)
    var message: UnsafeMutablePointer<CChar>?
    rocksdb_flush(database, options, &message)
    try RocksDB.check(name, "rocksdb_flush", message)
    // It tells of no failure.
    rocksdb_compact_range(database, nil, 0, nil, 0)
  }

  var logBytes: UInt64 {
    get throws { try FileSizes.allocatedBytes(folder) { $0.hasSuffix(".log") } }
  }

  func close() throws {
    try readers.requireNone(name)
    // Closing does not flush what was committed without.
    var message: UnsafeMutablePointer<CChar>?
    rocksdb_flush_wal(database, 1, &message)
    try RocksDB.check(name, "rocksdb_flush_wal", message)
    rocksdb_column_family_handle_destroy(family)
    rocksdb_close(database)
  }
}
