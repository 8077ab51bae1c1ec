// SPDX-License-Identifier: Apache-2.0

import CRocksDB
import Workloads

/// A `TransactionDB`, whose transactions take locks and can be prepared.
final class RocksDBTwoPhase: MeasuredTwoPhaseEngine, @unchecked Sendable {
  private let name: String
  private let database: OpaquePointer
  private let writing: OpaquePointer?
  private let reading: OpaquePointer?
  private let transactions: OpaquePointer?

  init(_ name: String, in folder: String, _ options: OpaquePointer?) throws {
    self.name = name
    let settings = rocksdb_transactiondb_options_create()
    defer { rocksdb_transactiondb_options_destroy(settings) }
    var message: UnsafeMutablePointer<CChar>?
    let opened = rocksdb_transactiondb_open(options, settings, folder, &message)
    try RocksDB.check(name, "rocksdb_transactiondb_open", message)
    guard let opened else {
      throw PeerError(name, "rocksdb_transactiondb_open", "no database")
    }
    database = opened
    writing = rocksdb_writeoptions_create()
    rocksdb_writeoptions_set_sync(writing, 1)
    reading = rocksdb_readoptions_create()
    transactions = rocksdb_transaction_options_create()
  }

  deinit {
    rocksdb_writeoptions_destroy(writing)
    rocksdb_readoptions_destroy(reading)
    rocksdb_transaction_options_destroy(transactions)
  }

  func commitInTwoPhases(_ table: RecordTable, _ positions: ArraySlice<Int32>) throws {
    try table.withMemory { memory in
      // Used again for the next transaction, as RocksDB's makers advise.
      var transaction: OpaquePointer?
      defer { rocksdb_transaction_destroy(transaction) }
      for position in positions {
        transaction = rocksdb_transaction_begin(database, writing, transactions, transaction)
        let key = memory.key(position).characters
        var message: UnsafeMutablePointer<CChar>?
        // The key is a name that no other transaction has.
        rocksdb_transaction_set_name(transaction, key, memory.keyBytes, &message)
        try RocksDB.check(name, "rocksdb_transaction_set_name", message)
        rocksdb_transaction_put(
          transaction, key, memory.keyBytes, memory.value(position, shift: 0).characters,
          memory.valueBytes, &message)
        try RocksDB.check(name, "rocksdb_transaction_put", message)
        rocksdb_transaction_prepare(transaction, &message)
        try RocksDB.check(name, "rocksdb_transaction_prepare", message)
        rocksdb_transaction_commit(transaction, &message)
        try RocksDB.check(name, "rocksdb_transaction_commit", message)
      }
    }
  }

  func get(_ table: RecordTable, _ positions: ArraySlice<Int32>) throws -> Checksum {
    try table.withMemory { memory in
      var checksum = Checksum()
      for position in positions {
        var message: UnsafeMutablePointer<CChar>?
        let slice = rocksdb_transactiondb_get_pinned(
          database, reading, memory.key(position).characters, memory.keyBytes, &message)
        try RocksDB.check(name, "rocksdb_transactiondb_get_pinned", message)
        if let slice { RocksDBReader.add(slice, to: &checksum) }
      }
      return checksum
    }
  }

  func close() throws { rocksdb_transactiondb_close(database) }
}
