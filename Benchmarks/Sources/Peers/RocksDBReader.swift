// SPDX-License-Identifier: Apache-2.0

import CRocksDB
import Workloads

/// A snapshot, and the options that read from it.
final class RocksDBReader: MeasuredReader {
  /// How many keys one call asks for at most: several of the batches of 32 that RocksDB makes of them.
  private static let together = 256
  private let name: String
  private let database: OpaquePointer
  private let family: OpaquePointer
  private var snapshot: OpaquePointer?
  private let options: OpaquePointer?
  private let readers: OpenReaders

  init(
    _ name: String, of database: OpaquePointer, _ family: OpaquePointer,
    counted readers: OpenReaders
  ) {
    self.name = name
    self.database = database
    self.family = family
    snapshot = rocksdb_create_snapshot(database)
    options = rocksdb_readoptions_create()
    rocksdb_readoptions_set_snapshot(options, snapshot)
    self.readers = readers
    readers.enter()
  }

  deinit {
    rocksdb_readoptions_destroy(options)
    rocksdb_release_snapshot(database, snapshot)
    readers.leave()
  }

  func renew() throws {
    rocksdb_release_snapshot(database, snapshot)
    snapshot = rocksdb_create_snapshot(database)
    rocksdb_readoptions_set_snapshot(options, snapshot)
  }

  func get(_ table: RecordTable, _ positions: ArraySlice<Int32>) throws -> Checksum {
    try table.withMemory { memory in
      var checksum = Checksum()
      for position in positions {
        var message: UnsafeMutablePointer<CChar>?
        let key = memory.key(position).characters
        let slice = rocksdb_get_pinned(database, options, key, memory.keyBytes, &message)
        try RocksDB.check(name, "rocksdb_get_pinned", message)
        if let slice { Self.add(slice, to: &checksum) }
      }
      return checksum
    }
  }

  @inline(__always)
  static func add(_ slice: OpaquePointer, to checksum: inout Checksum) {
    var count = 0
    let value = rocksdb_pinnableslice_value(slice, &count)
    checksum.add(value, bytes: count)
    rocksdb_pinnableslice_destroy(slice)
  }

  func getTogether(_ table: RecordTable, _ positions: ArraySlice<Int32>) throws -> Checksum {
    try table.withMemory { memory in
      var checksum = Checksum()
      let most = min(Self.together, positions.count)
      let sizes = [Int](repeating: memory.keyBytes, count: most)
      var keys = [UnsafePointer<CChar>?](repeating: nil, count: most)
      var slices = [OpaquePointer?](repeating: nil, count: most)
      var messages = [UnsafeMutablePointer<CChar>?](repeating: nil, count: most)
      var start = positions.startIndex
      while start < positions.endIndex {
        let count = min(most, positions.endIndex - start)
        for index in 0..<count { keys[index] = memory.key(positions[start + index]).characters }
        rocksdb_batched_multi_get_cf(
          database, options, family, count, keys, sizes, &slices, &messages, false)
        for index in 0..<count {
          try RocksDB.check(name, "rocksdb_batched_multi_get_cf", messages[index])
          if let slice = slices[index] { Self.add(slice, to: &checksum) }
        }
        start += count
      }
      return checksum
    }
  }

  func seek(_ table: RecordTable, _ positions: ArraySlice<Int32>, steps: Int) throws -> Checksum {
    let iterator = rocksdb_create_iterator(database, options)
    defer { rocksdb_iter_destroy(iterator) }
    return try table.withMemory { memory in
      var checksum = Checksum()
      for position in positions where steps > 0 {
        rocksdb_iter_seek(iterator, memory.key(position).characters, memory.keyBytes)
        var taken = 0
        while rocksdb_iter_valid(iterator) != 0 {
          Self.addValue(of: iterator, to: &checksum)
          taken += 1
          if taken == steps { break }
          rocksdb_iter_next(iterator)
        }
        if taken < steps { try checkEnd(of: iterator) }
      }
      return checksum
    }
  }

  func scan() throws -> Checksum {
    let iterator = rocksdb_create_iterator(database, options)
    defer { rocksdb_iter_destroy(iterator) }
    var checksum = Checksum()
    rocksdb_iter_seek_to_first(iterator)
    while rocksdb_iter_valid(iterator) != 0 {
      Self.addValue(of: iterator, to: &checksum)
      rocksdb_iter_next(iterator)
    }
    try checkEnd(of: iterator)
    return checksum
  }

  @inline(__always)
  static func addValue(of iterator: OpaquePointer?, to checksum: inout Checksum) {
    var count = 0
    let value = rocksdb_iter_value(iterator, &count)
    checksum.add(value, bytes: count)
  }

  /// An iterator that failed looks like one at its end.
  private func checkEnd(of iterator: OpaquePointer?) throws {
    var message: UnsafeMutablePointer<CChar>?
    rocksdb_iter_get_error(iterator, &message)
    try RocksDB.check(name, "rocksdb_iter_get_error", message)
  }
}
