// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DurableMemory

/// `recordctl memory dump`.
struct MemoryDump: StoreCommand {
  static let configuration = CommandConfiguration(
    commandName: "dump",
    abstract: "Print all entries of a map, or all commands of a system, as JSON lines.")

  @Argument(help: "The map or the system.")
  var name: String

  @OptionGroup var common: CommonOptions

  func execute(in context: Context) throws -> ExitStatus {
    let output = OutputFile()
    try MemoryContents.read(in: context) { contents in
      if let map = contents.map(name) {
        try map.visit(in: contents.view) { entry in
          try context.interruption.check()
          try output.writeLine(Item(entry, of: map).json)
          return true
        }
      } else if let system = contents.system(name) {
        try system.visit(in: contents.view) { command in
          try context.interruption.check()
          try output.writeLine(Item(command).json)
          return true
        }
      } else {
        throw contents.unknown(name, in: context)
      }
    }
    try output.finish()
    return .success
  }
}
