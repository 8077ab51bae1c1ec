// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

let package = Package(
  name: "record-store",
  products: [
    .library(name: "StorageEngine", targets: ["StorageEngine"]),
    .library(name: "StorageEngineFoundation", targets: ["StorageEngineFoundation"]),
    .library(name: "DurableMemory", targets: ["DurableMemory"]),
    .library(name: "DurableMemoryFoundation", targets: ["DurableMemoryFoundation"]),
    .library(name: "ChangeJournal", targets: ["ChangeJournal"]),
    .library(name: "Records", targets: ["Records"]),
    .library(name: "PeerSync", targets: ["PeerSync"]),
    .library(name: "PeerSyncHTTP", targets: ["PeerSyncHTTP"]),
    .library(name: "Workloads", targets: ["Workloads"]),
    .executable(name: "recordctl", targets: ["recordctl"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.35.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.6"),
    .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.1"),
    .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
  ],
  targets: [
    // What Glibc's module does not show: O_DIRECT, fallocate, futexes, CRC32C by instruction.
    .target(name: "CStorageSystem", cSettings: [.define("_GNU_SOURCE")]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "StorageEngine", dependencies: ["CStorageSystem"]),
    // Foundation's UUID and Date in indexes: a module of its own, for the engine does without.
    .target(name: "StorageEngineFoundation", dependencies: ["StorageEngine"]),
    // Maps and models that live in memory and survive the process.
    .target(name: "DurableMemory", dependencies: ["StorageEngine"]),
    // Foundation's types and anything `Codable` in maps.
    .target(name: "DurableMemoryFoundation", dependencies: ["DurableMemory"]),
    .target(
      name: "ChangeJournal",
      dependencies: ["StorageEngine", "CZlib", .product(name: "Crypto", package: "swift-crypto")]),
    .target(name: "Records", dependencies: ["ChangeJournal", "StorageEngine", "CStorageSystem"]),
    .target(name: "PeerSync", dependencies: ["Records", "ChangeJournal"]),
    .target(
      name: "PeerSyncHTTP",
      dependencies: [
        "PeerSync",
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "HummingbirdTLS", package: "hummingbird"),
        .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ]),
    // What is measured, here by `recordctl bench`, and beside other engines in Benchmarks/.
    .target(name: "Workloads", dependencies: ["StorageEngine"]),
    .executableTarget(
      name: "recordctl",
      dependencies: [
        "PeerSyncHTTP", "PeerSync", "Records", "ChangeJournal", "DurableMemory", "StorageEngine",
        "CStorageSystem", "Workloads",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ],
      path: "cli/recordctl"),
    .target(name: "TestSupport", dependencies: ["StorageEngine"], path: "Tests/TestSupport"),
    .executableTarget(
      name: "crash-writer", dependencies: ["StorageEngine", "TestSupport"],
      path: "Tests/crash-writer"),
    .executableTarget(
      name: "map-writer", dependencies: ["DurableMemory", "StorageEngine", "TestSupport"],
      path: "Tests/map-writer"),
    .executableTarget(
      name: "operation-counts", dependencies: ["DurableMemory", "StorageEngine", "Workloads"],
      path: "Tests/operation-counts"),
    .testTarget(
      name: "StorageEngineTests",
      dependencies: ["StorageEngine", "CStorageSystem", "TestSupport", "crash-writer"]),
    .testTarget(
      name: "StorageEngineFoundationTests",
      dependencies: ["StorageEngineFoundation", "TestSupport"]),
    .testTarget(
      name: "DurableMemoryTests",
      dependencies: [
        "DurableMemory", "DurableMemoryFoundation", "StorageEngine", "TestSupport", "map-writer",
      ]),
    .testTarget(name: "WorkloadsTests", dependencies: ["Workloads", "TestSupport"]),
    .testTarget(name: "ChangeJournalTests", dependencies: ["ChangeJournal", "TestSupport"]),
    .testTarget(name: "RecordsTests", dependencies: ["Records", "TestSupport"]),
    .testTarget(
      name: "PeerSyncTests",
      dependencies: ["PeerSync", "Records", "ChangeJournal", "StorageEngine", "TestSupport"]),
    .testTarget(name: "PeerSyncHTTPTests", dependencies: ["PeerSyncHTTP", "TestSupport"]),
    .testTarget(
      name: "recordctlTests", dependencies: ["DurableMemory", "Records", "TestSupport"]),
    // The rules of style, executed; needs nothing but the sources.
    .testTarget(name: "TidyTests"),
  ],
  swiftLanguageModes: [.v6]
)

// Fuzz targets need libFuzzer's own `main`: they are part of the package only where asked for.
// `make fuzz` has the command. Of several `-sanitize` flags the compiler heeds the last alone when
// it makes code, so both go into one; without that, the targets run blind.
if Context.environment["RECORD_STORE_FUZZ"] != nil {
  package.targets.append(
    .target(
      name: "FuzzSupport", dependencies: ["ChangeJournal", "StorageEngine"],
      path: "Tests/Fuzz/Support"))
  let modules: [String: [Target.Dependency]] = [
    "fuzz_argument": [
      "Records", "ChangeJournal", .product(name: "NIOCore", package: "swift-nio"),
    ],
    "fuzz_cbor": ["ChangeJournal"],
    "fuzz_import": ["Records"],
    "fuzz_journal_stream": ["ChangeJournal"],
    "fuzz_json": ["Records", "ChangeJournal"],
    "fuzz_message": ["PeerSync", "ChangeJournal"],
    "fuzz_snapshot": ["Records", "ChangeJournal", "StorageEngine"],
    "fuzz_store_file": ["StorageEngine", "TestSupport"],
    "fuzz_transaction": ["ChangeJournal"],
  ]
  for (name, modules) in modules.sorted(by: { $0.key < $1.key }) {
    package.targets.append(
      .executableTarget(
        name: name, dependencies: ["FuzzSupport"] + modules, path: "Tests/Fuzz/\(name)"))
  }
}

for target in package.targets where target.type != .system && target.name != "CStorageSystem" {
  target.swiftSettings = [
    .strictMemorySafety(),  // SE-0458
    .treatAllWarnings(as: .error),  // SE-0480
    .enableUpcomingFeature("ExistentialAny"),  // SE-0335
    .enableUpcomingFeature("InternalImportsByDefault"),  // SE-0409
    .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444
  ]
}
