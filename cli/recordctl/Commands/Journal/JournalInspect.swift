// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ChangeJournal

/// `recordctl journal inspect`.
struct JournalInspect: StoreCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Print the transactions of a journal, one by one.")

  @Argument(help: "The journal, or - for standard input.")
  var file: String

  @OptionGroup var common: CommonOptions

  func execute(in context: Context) throws -> ExitStatus {
    let input = try InputFile(file, context.interruption)
    var stream = JournalStream(name: input.name) { try input.read(upTo: $0) }
    var printer = TransactionPrinter(context.format ?? .text)
    while let event = try stream.next() {
      guard case .transactions(let transactions, let place) = event else { continue }
      do {
        for transaction in transactions { try printer.print(transaction) }
      } catch let error as CodingError {
        throw error.journalError(at: place)
      }
    }
    try printer.finish()
    return .success
  }
}
