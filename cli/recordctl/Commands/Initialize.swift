// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Records

/// `recordctl init`.
struct Initialize: StoreCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Create an empty store.")

  @OptionGroup var common: CommonOptions

  func execute(in context: Context) throws -> ExitStatus {
    let store = try RecordStore.create(at: context.store)
    let report: Item = [
      "store": .text(context.store),
      "storeID": .text("\(store.storeID)"),
      "origin": .text("\(store.origin)"),
    ]
    try store.close()
    try context.report(report)
    return .success
  }
}
