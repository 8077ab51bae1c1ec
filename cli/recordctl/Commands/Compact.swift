// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import StorageEngine

/// `recordctl compact`.
struct Compact: StoreCommand {
  static let configuration = CommandConfiguration(
    abstract: "Fill half-empty leaves, and give what is free of the file back to the disk.",
    discussion: """
      A store gives free space back by itself as it is used; this does it at once. Leaves that are half
      full are filled here alone, and behind deletes.
      """)

  @OptionGroup var common: CommonOptions

  func execute(in context: Context) throws -> ExitStatus {
    let database = try Database.open(at: context.store)
    defer { try? database.close() }
    let report = try database.compact(while: { !context.interruption.isRaised })
    try database.close()
    try context.interruption.check()
    // At the end: where nobody reads the report, the command ends with it, as if all had gone well.
    try context.report([
      "store": .text(context.store), "bytesBefore": .unsigned(report.bytesBefore),
      "bytesAfter": .unsigned(report.bytesAfter), "leavesMoved": .unsigned(report.leavesMoved),
    ])
    return .success
  }
}
