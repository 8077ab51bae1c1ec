// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Records

/// `recordctl get`.
struct Get: StoreCommand {
  static let configuration = CommandConfiguration(abstract: "Print a record.")

  @OptionGroup var record: KeyArguments
  @OptionGroup var common: CommonOptions

  func execute(in context: Context) throws -> ExitStatus {
    let store = try context.openToRead()
    defer { try? store.close() }
    let found = try store.read { reader in
      try reader.get(record.collection, record.key(in: reader))
    }
    guard let found else { throw record.notFound(in: context) }
    let printer = RecordPrinter(context.format ?? .json, isSingle: true)
    try printer.print(found)
    try printer.finish()
    return .success
  }
}
