// SPDX-License-Identifier: Apache-2.0

import CRocksDB
public import Workloads

/// RocksDB: a log-structured merge tree.
///
/// Its settings, and why:
/// - Every write has `sync`: the log is flushed with `fdatasync`, once for all that wait for it.
/// - A transaction is a `WriteBatch`, which is atomic and has a place of its own in the order of
///   commits. That is all the workloads ask for; `TransactionDB` would add locks.
/// - `recycle_log_file_num` is not set, though writing over old log files would save flushing
///   metadata: RocksDB 7.8 sets it back to 0 under `kPointInTimeRecovery`, its default, as both
///   together may leave a hole in what is recovered. The mode that goes with it skips damage.
/// - `enable_pipelined_write`: writing the log and the memtable overlap where threads compete.
/// - A memtable has 256 MiB rather than 64, for less is written again in merges.
/// - `increase_parallelism(2)`: two threads for flushes and merges.
/// - A bloom filter with 10 bits a key, for whole keys: about 1 % of those that are not there are
///   looked for in vain.
/// - Data blocks have a hash index besides the binary search, for reads of single keys.
/// - The LRU cache of blocks has the bytes that every engine is given. Filters and indexes are held
///   outside of it, as by default, and `max_open_files` -1 keeps all of them in memory.
/// - Nothing is compressed: random bytes would not shrink. LZ4, which RocksDB's makers advise, is a
///   variant.
/// - The format of tables, block sizes, checksums and read-ahead are the defaults.
/// - Commits without a flush have `sync` off; the log is still handed to the operating system.
/// - Loading is one `WriteBatch`, sorted or not, as it is to be one transaction. Ingesting files
///   made beforehand is faster, but their making is none.
public struct RocksDBKind: MeasuredEngineKind {
  /// As tables show it; the C interface does not tell the version.
  public let name: String
  private let compresses: Bool

  /// Without compression, or the variant with LZ4.
  public init(compresses: Bool = false) {
    name = "RocksDB 7.8.3" + (compresses ? ", LZ4" : "")
    self.compresses = compresses
  }

  /// Opens the store in a folder with a cache of blocks of that size.
  public func open(in folder: String, cacheBytes: Int) throws -> any MeasuredEngine {
    let options = Self.options(compresses: compresses, cacheBytes: cacheBytes)
    defer { rocksdb_options_destroy(options) }
    return try RocksDBAdapter(name, in: folder, options)
  }

  private static func options(compresses: Bool, cacheBytes: Int) -> OpaquePointer? {
    let options = rocksdb_options_create()
    rocksdb_options_set_create_if_missing(options, 1)
    rocksdb_options_increase_parallelism(options, 2)
    rocksdb_options_set_max_open_files(options, -1)
    rocksdb_options_set_enable_pipelined_write(options, 1)
    rocksdb_options_set_write_buffer_size(options, 256 << 20)
    let compression = compresses ? rocksdb_lz4_compression : rocksdb_no_compression
    rocksdb_options_set_compression(options, Int32(compression))
    let tables = rocksdb_block_based_options_create()
    let cache = rocksdb_cache_create_lru(cacheBytes)
    rocksdb_block_based_options_set_block_cache(tables, cache)
    // The options own the filter, and a part of the cache.
    let filter = rocksdb_filterpolicy_create_bloom_full(10)
    rocksdb_block_based_options_set_filter_policy(tables, filter)
    let index = rocksdb_block_based_table_data_block_index_type_binary_search_and_hash
    rocksdb_block_based_options_set_data_block_index_type(tables, Int32(index))
    rocksdb_options_set_block_based_table_factory(options, tables)
    rocksdb_block_based_options_destroy(tables)
    rocksdb_cache_destroy(cache)
    return options
  }
}

/// What the functions of RocksDB answer.
enum RocksDB {
  /// Throws what a call that sets `errptr` says, if anything, and frees it.
  @inline(__always)
  static func check(
    _ engine: String, _ call: String, _ message: UnsafeMutablePointer<CChar>?
  ) throws {
    if let message { throw error(engine, call, message) }
  }

  private static func error(
    _ engine: String, _ call: String, _ message: UnsafeMutablePointer<CChar>
  ) -> PeerError {
    defer { rocksdb_free(message) }
    return PeerError(engine, call, String(cString: message))
  }
}

extension UnsafeRawPointer {
  /// The bytes as RocksDB takes them.
  @inline(__always)
  var characters: UnsafePointer<CChar> { assumingMemoryBound(to: CChar.self) }
}

/// A database with its default column family.
final class RocksDBAdapter: MeasuredEngine, @unchecked Sendable {
  private let name: String
  private let database: OpaquePointer
  /// The default column family, which the call for several keys has to be given.
  private let family: OpaquePointer
  private let flushing: OpaquePointer?
  private let unflushed: OpaquePointer?
  private let reading: OpaquePointer?
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

  func load(_ table: RecordTable, _ positions: [Int32], sorted: Bool) throws {
    try put(table, positions[...], flushed: true)
  }

  func put(_ table: RecordTable, _ positions: ArraySlice<Int32>, flushed: Bool) throws {
    try update(table, positions, shift: 0, flushed: flushed)
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

  private func write(flushed: Bool, _ body: (OpaquePointer?) -> Void) throws {
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
