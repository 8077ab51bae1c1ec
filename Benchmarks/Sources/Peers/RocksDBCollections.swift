// SPDX-License-Identifier: Apache-2.0

import CRocksDB
import Workloads

/// Keys that are a key and a value, one after the other, and nothing stored with them.
final class RocksDBMultimap: MeasuredMultimap {
  private static let entryBytes = EntryTable.keyBytes + EntryTable.valueBytes
  private let store: RocksDBAdapter

  init(_ store: RocksDBAdapter) {
    self.store = store
  }

  func insert(_ table: EntryTable, _ positions: [Int32]) throws {
    try write(table, positions) { rocksdb_writebatch_put($0, $1, Self.entryBytes, "", 0) }
  }

  func delete(_ table: EntryTable, _ positions: [Int32]) throws {
    try write(table, positions) { rocksdb_writebatch_delete($0, $1, Self.entryBytes) }
  }

  private func write(
    _ table: EntryTable, _ positions: [Int32],
    _ body: (OpaquePointer?, UnsafePointer<CChar>) -> Void
  ) throws {
    try table.records.withMemory { memory in
      try store.write { batch in
        let entry = UnsafeMutableRawPointer.allocate(byteCount: Self.entryBytes, alignment: 8)
        defer { entry.deallocate() }
        for position in positions {
          entry.copyMemory(from: memory.entryKey(position), byteCount: EntryTable.keyBytes)
          (entry + EntryTable.keyBytes).copyMemory(
            from: memory.entryValue(position), byteCount: EntryTable.valueBytes)
          body(batch, UnsafeRawPointer(entry).characters)
        }
      }
    }
  }

  func ranges(_ table: EntryTable, from keys: [Int32], count: Int) throws -> Checksum {
    try table.records.withMemory { memory in
      try store.iterate { iterator, checksum in
        for number in keys {
          // A prefix of all its entries, and less than each.
          rocksdb_iter_seek(iterator, memory.key(number).characters, EntryTable.keyBytes)
          try addValues(of: iterator, atMost: count * EntryTable.valuesOfKey, to: &checksum)
        }
      }
    }
  }

  func scan() throws -> Checksum {
    try store.iterate { iterator, checksum in
      rocksdb_iter_seek_to_first(iterator)
      try addValues(of: iterator, atMost: .max, to: &checksum)
    }
  }

  private func addValues(
    of iterator: OpaquePointer?, atMost limit: Int, to checksum: inout Checksum
  ) throws {
    var left = limit
    while left > 0, rocksdb_iter_valid(iterator) != 0 {
      var count = 0
      guard let entry = rocksdb_iter_key(iterator, &count) else { break }
      checksum.add(entry + EntryTable.keyBytes, bytes: EntryTable.valueBytes)
      rocksdb_iter_next(iterator)
      left -= 1
    }
    if left > 0 { try store.checkEnd(of: iterator) }
  }

  func close() throws { try store.close() }
}

/// Records by numbers of 8 bytes, big endian, from one on.
final class RocksDBSegments: MeasuredSegments {
  private let store: RocksDBAdapter

  init(_ store: RocksDBAdapter) {
    self.store = store
  }

  func insert(_ table: RecordTable) throws {
    try put(table, 0..<Int32(table.count), shift: 0)
  }

  func update(_ table: RecordTable, _ positions: [Int32], shift: Int) throws {
    try put(table, positions, shift: shift)
  }

  private func put(
    _ table: RecordTable, _ positions: some Sequence<Int32>, shift: Int
  ) throws {
    try table.withMemory { memory in
      try store.write { batch in
        for position in positions {
          let value = memory.value(position, shift: shift).characters
          Self.withKey(position) { key, count in
            rocksdb_writebatch_put(batch, key, count, value, memory.valueBytes)
          }
        }
      }
    }
  }

  func read(_ positions: [Int32]) throws -> Checksum {
    var checksum = Checksum()
    for position in positions {
      var message: UnsafeMutablePointer<CChar>?
      let slice = Self.withKey(position) { key, count in
        rocksdb_get_pinned(store.database, store.reading, key, count, &message)
      }
      try RocksDB.check(store.name, "rocksdb_get_pinned", message)
      if let slice { RocksDBReader.add(slice, to: &checksum) }
    }
    return checksum
  }

  @inline(__always)
  private static func withKey<Result>(
    _ position: Int32, _ body: (UnsafePointer<CChar>?, Int) -> Result
  ) -> Result {
    withUnsafeBytes(of: (UInt64(position) + 1).bigEndian) { bytes in
      body(bytes.baseAddress?.characters, bytes.count)
    }
  }

  func scan() throws -> Checksum {
    try store.iterate { iterator, checksum in
      rocksdb_iter_seek_to_first(iterator)
      while rocksdb_iter_valid(iterator) != 0 {
        RocksDBReader.addValue(of: iterator, to: &checksum)
        rocksdb_iter_next(iterator)
      }
      try store.checkEnd(of: iterator)
    }
  }

  func close() throws { try store.close() }
}

extension RocksDBAdapter {
  /// Runs `body` with an iterator over what is committed now.
  fileprivate func iterate(
    _ body: (OpaquePointer?, inout Checksum) throws -> Void
  ) throws -> Checksum {
    let iterator = rocksdb_create_iterator(database, reading)
    defer { rocksdb_iter_destroy(iterator) }
    var checksum = Checksum()
    try body(iterator, &checksum)
    return checksum
  }

  /// An iterator that failed looks like one at its end.
  fileprivate func checkEnd(of iterator: OpaquePointer?) throws {
    var message: UnsafeMutablePointer<CChar>?
    rocksdb_iter_get_error(iterator, &message)
    try RocksDB.check(name, "rocksdb_iter_get_error", message)
  }
}
