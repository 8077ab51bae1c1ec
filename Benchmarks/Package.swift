// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

// A package of its own, so that what is only measured against never reaches a user's dependencies.
let package = Package(
  name: "benchmarks",
  dependencies: [.package(name: "record-store", path: "..")],
  targets: [
    .executableTarget(
      name: "benchmark",
      dependencies: [
        .product(name: "StorageEngine", package: "record-store"),
        .product(name: "Records", package: "record-store"),
        .product(name: "Workloads", package: "record-store"),
      ])
  ],
  swiftLanguageModes: [.v6]
)
