// SPDX-License-Identifier: Apache-2.0

import CRocksDB
public import Workloads

/// RocksDB: a log-structured merge tree.
///
/// Debian's library is built with assertions, which RocksDB's makers turn off in releases: its figures
/// are somewhat lower than they could be.
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
/// - Commits in two phases are those of `TransactionDB`, of which each first phase is named, as it
///   has to be, and which writes what is prepared to the log alone, the default. Both phases have
///   `sync`, and locks are not searched for deadlocks, as no transaction takes two. Writes are not
///   pipelined there: 7.8 then fails an assertion of its own when several threads commit
///   (`!write_after_commit_ || log_number_ref_ > 0`).
/// - Several values of a key are keys of both with empty values. Numbered records have keys of 8
///   bytes, big endian.
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
    try adapter(in: folder, cacheBytes: cacheBytes)
  }

  /// Snapshots are numbers in a list: there can be any number of them.
  public func openSnapshots(
    in folder: String, cacheBytes: Int, readers: Int
  ) throws -> (any MeasuredSnapshots)? {
    try adapter(in: folder, cacheBytes: cacheBytes)
  }

  /// Opens a `TransactionDB`.
  public func openTwoPhase(
    in folder: String, cacheBytes: Int
  ) throws -> (any MeasuredTwoPhaseEngine)? {
    let options = Self.options(compresses: compresses, cacheBytes: cacheBytes)
    defer { rocksdb_options_destroy(options) }
    rocksdb_options_set_enable_pipelined_write(options, 0)
    return try RocksDBTwoPhase(name, in: folder, options)
  }

  /// Opens a store whose keys are a key and a value each.
  public func openMultimap(
    in folder: String, cacheBytes: Int
  ) throws -> (any MeasuredMultimap)? {
    RocksDBMultimap(try adapter(in: folder, cacheBytes: cacheBytes))
  }

  /// Opens a store whose keys are numbers of 8 bytes, big endian.
  public func openSegments(
    in folder: String, cacheBytes: Int
  ) throws -> (any MeasuredSegments)? {
    RocksDBSegments(try adapter(in: folder, cacheBytes: cacheBytes))
  }

  private func adapter(in folder: String, cacheBytes: Int) throws -> RocksDBAdapter {
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
