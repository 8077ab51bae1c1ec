#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Usage: Tests/EnginePackage/make.sh FOLDER [--copy]
#
# Makes a package of the engine and its tests alone in a folder, so that nothing else is built:
# of links to the sources, or of a copy of them that may be changed.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$1
place=(ln -sfn)
[ "${2:-}" != --copy ] || place=(cp -RT --preserve=timestamps)

mkdir -p "$folder/Sources" "$folder/Tests"
for part in Sources/CStorageSystem Sources/StorageEngine Tests/TestSupport Tests/crash-writer \
  Tests/StorageEngineTests; do
  "${place[@]}" "$root/$part" "$folder/$part"
done
# Some tests read these.
for part in docs Fixtures; do ln -sfn "$root/$part" "$folder/$part"; done
cat >"$folder/Package.swift" <<'PACKAGE'
// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "storage-engine",
  targets: [
    .target(name: "CStorageSystem", cSettings: [.define("_GNU_SOURCE")]),
    .target(name: "StorageEngine", dependencies: ["CStorageSystem"]),
    .target(name: "TestSupport", dependencies: ["StorageEngine"], path: "Tests/TestSupport"),
    .executableTarget(
      name: "crash-writer", dependencies: ["StorageEngine", "TestSupport"],
      path: "Tests/crash-writer"),
    .testTarget(
      name: "StorageEngineTests",
      dependencies: ["StorageEngine", "CStorageSystem", "TestSupport", "crash-writer"]),
  ],
  swiftLanguageModes: [.v6])

for target in package.targets where target.name != "CStorageSystem" {
  target.swiftSettings = [
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
  ]
}
PACKAGE
