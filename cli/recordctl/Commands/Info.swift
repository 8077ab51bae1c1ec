// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Records
import StorageEngine

/// `recordctl info`.
struct Info: StoreCommand {
  static let configuration = CommandConfiguration(
    abstract: "Describe the store's file: its format, its size, its trees.")

  @OptionGroup var common: CommonOptions

  func execute(in context: Context) throws -> ExitStatus {
    let store = try RecordStore.open(at: context.store)
    defer { try? store.close() }
    let file = try store.database.information()
    let trees = file.trees.map { tree -> Item in
      [
        "name": .text(tree.name), "entries": .unsigned(tree.entries), "height": Item(tree.height),
        "pages": .unsigned(tree.leafPages + tree.branchPages),
      ]
    }
    try Reporter(context.format ?? .text).report([
      "store": .text(context.store),
      "formatVersion": .integer(Int64(file.formatVersion)),
      "fileBytes": .unsigned(file.fileBytes),
      "freeBytes": .unsigned(file.freeBytes),
      "logBytes": .unsigned(file.logBytes),
      "pageBytes": Item(file.pageBytes),
      "lsn": .unsigned(file.lsn),
      "checkpointLSN": .unsigned(file.checkpointLSN),
      "trees": .array(trees),
    ])
    return .success
  }
}
