// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Records

/// `recordctl snapshot verify`.
struct SnapshotVerify: StoreCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check every byte of a snapshot: checksums, order, hash chains, totals.")

  @Argument(help: "The snapshot, or - for standard input.")
  var file: String

  @OptionGroup var common: CommonOptions

  func execute(in context: Context) throws -> ExitStatus {
    let input = try InputFile(file, context.interruption)
    let progress = context.progress("verify", counting: "bytes")
    defer { progress.finish() }
    let summary = try RecordStore.verifySnapshot(named: input.name, input.read) { done in
      progress.update(done: done, fraction: input.fraction)
    }
    progress.finish()
    try context.report(Item(summary, file: file))
    return .success
  }
}
