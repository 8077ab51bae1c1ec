// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ChangeJournal
import Records

/// `recordctl journal export`.
struct JournalExport: StoreCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write the transactions, causes before effects, to a file.")

  @Option(
    help: ArgumentHelp(
      "Only what is not in this position, as 'status' prints it.", valueName: "position"))
  var since: Position?

  @Option(
    name: [.customShort("o"), .long],
    help: ArgumentHelp("Write to this file instead of standard output.", valueName: "file"))
  var outputFile: String?

  @OptionGroup var common: CommonOptions

  func execute(in context: Context) throws -> ExitStatus {
    let store = try context.openToRead()
    defer { try? store.close() }
    let position = since?.vector ?? VersionVector()
    let output = try OutputFile(path: outputFile, isPrivate: true)
    let progress = context.progress("export", counting: "transactions")
    defer { progress.finish() }
    var writer = try JournalWriter(JournalStreamHeader(storeID: store.storeID, since: position))
    let cursor = try store.journal(since: position)
    var count: UInt64 = 0
    while let transaction = try cursor.next() {
      try context.interruption.check()
      try writer.append(transaction)
      try Self.drain(&writer, to: output)
      count += 1
      progress.update(done: count)
    }
    try writer.finish()
    try Self.drain(&writer, to: output)
    try output.finish()
    progress.finish()
    let applied = try store.appliedVector()
    if position.entries.contains(where: { applied[$0.origin] < $0.sequence }) {
      context.log.notice("the store does not have all that --since names: is it the right one?")
    }
    if let outputFile, !output.isStandardOutput {
      try context.report(["file": .text(outputFile), "transactions": .unsigned(count)])
    }
    return .success
  }

  private static func drain(_ writer: inout JournalWriter, to output: OutputFile) throws {
    while let frame = try writer.nextFrame() { try output.write(frame) }
  }
}

/// A version vector as an argument.
struct Position: ExpressibleByArgument {
  let vector: VersionVector

  init?(argument: String) {
    guard let vector = VersionVector(argument) else { return nil }
    self.vector = vector
  }
}
