#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Usage: Tests/EnginePackage/make.sh FOLDER [--copy] [--durable-memory]
#
# Makes a package of the engine and its tests alone in a folder, so that nothing else is built:
# of links to the sources, or of a copy of them that may be changed. Durable memory and its tests
# are part of it where they are asked for.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$1
shift
place=(ln -sfn)
parts=(Sources/CStorageSystem Sources/StorageEngine
  Tests/TestSupport Tests/crash-writer Tests/StorageEngineTests)
memory=false
for option in "$@"; do
  case $option in
  --copy) place=(cp -RT --preserve=timestamps) ;;
  --durable-memory)
    memory=true
    parts+=(Sources/DurableMemory Sources/DurableMemoryFoundation
      Tests/map-writer Tests/DurableMemoryTests)
    ;;
  esac
done

mkdir -p "$folder/Sources" "$folder/Tests"
for part in "${parts[@]}"; do
  "${place[@]}" "$root/$part" "$folder/$part"
done
# Some tests read these.
for part in docs Fixtures; do ln -sfn "$root/$part" "$folder/$part"; done
sed "s/MEMORY/$memory/" >"$folder/Package.swift" <<'PACKAGE'
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

if MEMORY {
  package.targets += [
    .target(name: "DurableMemory", dependencies: ["StorageEngine"]),
    .target(name: "DurableMemoryFoundation", dependencies: ["DurableMemory"]),
    .executableTarget(
      name: "map-writer", dependencies: ["DurableMemory", "StorageEngine", "TestSupport"],
      path: "Tests/map-writer"),
    .testTarget(
      name: "DurableMemoryTests",
      dependencies: [
        "DurableMemory", "DurableMemoryFoundation", "StorageEngine", "TestSupport", "map-writer",
      ]),
  ]
}

for target in package.targets where target.name != "CStorageSystem" {
  target.swiftSettings = [
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
  ]
}
PACKAGE
