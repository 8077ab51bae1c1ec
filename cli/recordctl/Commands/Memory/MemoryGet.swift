// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DurableMemory

/// `recordctl memory get`.
struct MemoryGet: StoreCommand {
  static let configuration = CommandConfiguration(
    commandName: "get", abstract: "Print an entry of a map, or a command of a system by its number."
  )

  @Argument(help: "The map or the system.")
  var name: String

  @Argument(help: "The key, as text or as a number or UUID is written; or the command's number.")
  var key: String

  @OptionGroup var common: CommonOptions

  func execute(in context: Context) throws -> ExitStatus {
    let item = try MemoryContents.read(in: context) { contents in
      if let map = contents.map(name) { return try entry(of: map, contents, context) }
      if let system = contents.system(name) { return try command(of: system, contents, context) }
      throw contents.unknown(name, in: context)
    }
    try Reporter(context.format ?? .json).report(item)
    return .success
  }

  private func entry(
    of map: StoredMap, _ contents: MemoryContents, _ context: Context
  ) throws -> Item {
    guard let bytes = StoredValue.bytes(parsing: key, as: map.keyType) else {
      throw Failure(
        .usage, "'\(key)' is no key of type \(map.typeNames.key)",
        hint: "'recordctl memory dump \(name)' shows the keys")
    }
    guard let entry = try map.entry(forKey: bytes, in: contents.view) else {
      throw Failure(.notFound, "no key \(key) in map \(name) of \(context.store)")
    }
    return Item(entry, of: map)
  }

  private func command(
    of system: StoredSystem, _ contents: MemoryContents, _ context: Context
  ) throws -> Item {
    guard let number = UInt64(key) else {
      throw Failure(.usage, "'\(key)' is no number of a command")
    }
    var found: StoredSystem.Command?
    try system.visit(from: number, in: contents.view) { command in
      if command.number == number { found = command }
      return false
    }
    guard let found else {
      throw Failure(.notFound, "no command \(number) in the journal of system \(name)")
    }
    return Item(found)
  }
}
