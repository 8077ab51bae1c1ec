// SPDX-License-Identifier: Apache-2.0

public import Workloads

/// The engines that are measured beside this store's own, by short names for command lines.
public enum PeerKinds {
  /// Each engine with its default settings, then its variants.
  public static let named: [(name: String, kind: any MeasuredEngineKind)] = [
    ("lmdb", LMDBKind()),
    ("lmdb-writemap", LMDBKind(writesMap: true)),
    ("sqlite", SQLiteKind()),
    ("sqlite-8k", SQLiteKind(pageBytes: 8192)),
    ("rocksdb", RocksDBKind()),
    ("rocksdb-lz4", RocksDBKind(compresses: true)),
    ("wiredtiger", WiredTigerKind()),
    ("wiredtiger-dirty", WiredTigerKind(keepsChanges: true)),
  ]
}
