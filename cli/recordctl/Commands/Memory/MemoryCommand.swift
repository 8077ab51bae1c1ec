// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DurableMemory
import Foundation
import StorageEngine

/// `recordctl memory`: names its subcommands.
struct MemoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "memory",
    abstract: "Show the durable maps and prevalent systems that lie in the store's file.",
    discussion: """
      Only looks: nothing is changed, not even by a recovery. A store that a service holds open \
      cannot be looked at.
      """,
    subcommands: [MemoryList.self, MemoryGet.self, MemoryDump.self])
}

/// What a store's file has of maps and systems.
struct MemoryContents {
  let view: Snapshot
  let maps: [StoredMap]
  let systems: [StoredSystem]

  /// Opens the store of a command for reading alone and runs `body`.
  static func read<R>(
    in context: Context, _ body: (MemoryContents) throws -> R
  ) throws -> R {
    var configuration = Configuration()
    configuration.isReadOnly = true
    let database = try Database.open(at: context.store, configuration: configuration)
    defer { try? database.close() }
    return try database.read { view in
      try body(
        MemoryContents(
          view: view, maps: try StoredMap.all(in: view),
          systems: try StoredSystem.all(in: database, view)))
    }
  }

  func map(_ name: String) -> StoredMap? { maps.first { $0.name.utf8.elementsEqual(name.utf8) } }

  func system(_ name: String) -> StoredSystem? {
    systems.first { $0.name.utf8.elementsEqual(name.utf8) }
  }

  /// The failure for a name that nothing has.
  func unknown(_ name: String, in context: Context) -> Failure {
    Failure(
      .notFound, "neither a map nor a system \(name) in \(context.store)",
      hint: "'recordctl memory list' shows them")
  }
}

extension Item {
  /// A key or value of a map; bytes as `{"$bytes":"<base64>"}`, like `export` writes them.
  init(_ value: StoredValue) {
    switch value {
    case .none: self = .null
    case .bool(let bool): self = .bool(bool)
    case .integer(let digits): self = .json(Array(digits.utf8))
    case .number(let number):
      self = number.isFinite ? .json(Array("\(number)".utf8)) : .text("\(number)")
    case .text(let text): self = .text(text)
    case .bytes(let bytes): self = ["$bytes": .text(Data(bytes).base64EncodedString())]
    case .list(let values): self = .array(values.map { Item($0) })
    }
  }

  init(_ entry: StoredMap.Entry, of map: StoredMap) {
    var members = [
      Member(name: "key", item: Item(StoredValue(entry.key, of: map.keyType))),
      Member(name: "value", item: Item(StoredValue(entry.value, of: map.valueType))),
    ]
    if let expiry = entry.expiry {
      members.append(Member(name: "expires", item: .unsigned(expiry)))
    }
    self = .object(members)
  }

  init(_ command: StoredSystem.Command) {
    self = [
      "number": .unsigned(command.number), "time": .unsigned(command.time),
      "command": .text(command.name), "version": Item(command.version),
      "payload": Item(StoredValue.bytes(command.payload)),
      "stateHash": command.stateHash.map { .text(String($0, radix: 16)) } ?? .null,
    ]
  }
}
