// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import StorageEngine

/// `recordctl compact`.
struct Compact: StoreCommand {
  static let configuration = CommandConfiguration(
    abstract: "Move what is in use together and give the rest of the file back to the disk.",
    discussion: """
      A store shrinks by itself as it is used; this does at once what would take some checkpoints.
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
