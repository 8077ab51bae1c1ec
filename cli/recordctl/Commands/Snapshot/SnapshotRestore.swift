// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Records

/// `recordctl snapshot restore`.
struct SnapshotRestore: StoreCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore",
    abstract: "Make a new store from a snapshot.",
    discussion: """
      The store gets an identity of its own as a replica, so that it and the store the snapshot \
      was made of can both go on.
      """)

  @Argument(help: "The snapshot, or - for standard input.")
  var file: String

  @OptionGroup var common: CommonOptions

  func execute(in context: Context) throws -> ExitStatus {
    let input = try InputFile(file, context.interruption)
    let progress = context.progress("restore", counting: "bytes")
    defer { progress.finish() }
    let summary = try RecordStore.restore(
      at: context.store, fromSnapshot: input.name, input.read
    ) { done in progress.update(done: done, fraction: input.fraction) }
    progress.finish()
    try context.report(Item(summary, file: file))
    return .success
  }
}
