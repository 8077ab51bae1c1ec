// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

// A package of its own, so that what is only measured against never reaches a user's dependencies.
let package = Package(
  name: "benchmarks",
  dependencies: [
    .package(name: "record-store", path: ".."),
    .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.10.0"),
  ],
  targets: [
    .executableTarget(
      name: "benchmark",
      dependencies: [
        .product(name: "DurableMemory", package: "record-store"),
        .product(name: "StorageEngine", package: "record-store"),
        .product(name: "Records", package: "record-store"),
        .product(name: "Workloads", package: "record-store"),
        "Peers", "RecordLayers",
      ]),
    .systemLibrary(name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"])]),
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(name: "CRocksDB", pkgConfig: "rocksdb", providers: [.apt(["librocksdb-dev"])]),
    .systemLibrary(
      name: "CWiredTiger", pkgConfig: "wiredtiger", providers: [.apt(["libwiredtiger-dev"])]),
    // The engines to measure beside, each behind the seam of the workloads.
    .target(
      name: "Peers",
      dependencies: [
        "CLMDB", "CSQLite", "CRocksDB", "CWiredTiger",
        .product(name: "Workloads", package: "record-store"),
      ]),
    // The record layers to measure beside each other: what a program uses in place of an engine.
    .target(
      name: "RecordLayers",
      dependencies: [
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "Records", package: "record-store"),
        .product(name: "Workloads", package: "record-store"),
      ]),
    // Commits durably, for `count-flushes.sh` to look at.
    .executableTarget(
      name: "flush-count",
      dependencies: ["Peers", .product(name: "Workloads", package: "record-store")]),
    .testTarget(
      name: "PeersTests",
      dependencies: [
        "Peers", "RecordLayers", .product(name: "Workloads", package: "record-store"),
      ]),
  ],
  swiftLanguageModes: [.v6]
)
