// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Records

/// `recordctl delete`.
struct Delete: StoreCommand {
  static let configuration = CommandConfiguration(abstract: "Delete a record.")

  @OptionGroup var record: KeyArguments
  @OptionGroup var common: CommonOptions

  func execute(in context: Context) throws -> ExitStatus {
    let store = try RecordStore.open(at: context.store)
    defer { try? store.close() }
    let wasThere = try store.write { transaction in
      try transaction.delete(record.collection, record.key(in: transaction))
    }
    try store.close()
    guard wasThere else { throw record.notFound(in: context) }
    try context.report([
      "collection": .text(record.collection), "key": .text(record.key), "deleted": .bool(true),
    ])
    return .success
  }
}
