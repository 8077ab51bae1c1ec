// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DurableMemory

/// `recordctl memory list`.
struct MemoryList: StoreCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Name the maps and systems of the store, with their types.")

  @OptionGroup var common: CommonOptions

  func execute(in context: Context) throws -> ExitStatus {
    try MemoryContents.read(in: context) { contents in
      try context.report([
        "maps": .array(contents.maps.map { try Item($0, entries: $0.count(contents)) }),
        "systems": .array(contents.systems.map { Item($0) }),
      ])
    }
    return .success
  }
}

extension StoredMap {
  fileprivate func count(_ contents: MemoryContents) throws -> UInt64 {
    var count: UInt64 = 0
    try visit(in: contents.view) { _ in
      count += 1
      return true
    }
    return count
  }
}

extension Item {
  fileprivate init(_ map: StoredMap, entries: UInt64) {
    self = [
      "name": .text(map.name), "keyType": .text(map.typeNames.key),
      "valueType": .text(map.typeNames.value), "entries": .unsigned(entries),
    ]
  }

  fileprivate init(_ system: StoredSystem) {
    self = [
      "name": .text(system.name), "model": .text(system.modelName),
      "firstCommand": system.commands.map { .unsigned($0.lowerBound) } ?? .null,
      "lastCommand": system.commands.map { .unsigned($0.upperBound) } ?? .null,
    ]
  }
}
