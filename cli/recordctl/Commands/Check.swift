// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Records
import StorageEngine

/// `recordctl check`.
struct Check: StoreCommand {
  static let configuration = CommandConfiguration(
    abstract: "Read every page of the store and check it.",
    discussion: "Exit code 10 says that something is damaged; each fault is named with its place.")

  @OptionGroup var common: CommonOptions

  func execute(in context: Context) throws -> ExitStatus {
    let store = try RecordStore.open(at: context.store)
    defer { try? store.close() }
    let report = try store.database.check()
    try context.report([
      "store": .text(context.store), "intact": .bool(report.isIntact),
      "pages": .unsigned(report.pagesRead), "entries": .unsigned(report.entries),
      "faults": .array(report.faults.map { .text($0.description) }),
    ])
    guard report.isIntact else {
      throw Failure(
        .corrupt, "\(context.store) is damaged in \(report.faults.count) places",
        hint: Failure.restoreHint)
    }
    return .success
  }
}
