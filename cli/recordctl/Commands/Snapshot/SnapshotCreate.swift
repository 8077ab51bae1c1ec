// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Records

/// `recordctl snapshot create`.
struct SnapshotCreate: StoreCommand {
  static let configuration = CommandConfiguration(
    commandName: "create", abstract: "Write records and journal, as of now, to a new file.",
    discussion: """
      Durable maps and prevalent systems are part of it; other trees that programs keep in the store's \
      file beside the records are not: they are named.
      """)

  @Argument(help: "The file, which must not exist yet, or - for standard output.")
  var file: String

  @Flag(help: "Leave out durable maps and prevalent systems, which may be damaged.")
  var withoutMemory = false

  @OptionGroup var common: CommonOptions

  func execute(in context: Context) throws -> ExitStatus {
    let store = try context.openToRead()
    defer { try? store.close() }
    let output = try OutputFile(newPath: file)
    let progress = context.progress("snapshot", counting: "entries")
    defer { progress.finish() }
    let summary = try store.writeSnapshot(
      withMemory: !withoutMemory, to: { try output.write($0) }
    ) { done, total in
      progress.update(done: done, of: total)
      try context.interruption.check()
    }
    try output.finish()
    progress.finish()
    if !summary.leftOut.isEmpty {
      context.log.notice("not part of the snapshot: \(summary.leftOut.joined(separator: ", "))")
    }
    if !output.isStandardOutput {
      try context.report(Item(summary, file: file, foreignTrees: summary.leftOut))
    }
    return .success
  }
}
