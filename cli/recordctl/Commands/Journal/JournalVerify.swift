// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ChangeJournal
import Records

/// `recordctl journal verify`.
struct JournalVerify: StoreCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract:
      "Check every byte of a journal: checksums, digests, order, chains, operations, totals.")

  @Argument(help: "The journal, or - for standard input.")
  var file: String

  @OptionGroup var common: CommonOptions

  func execute(in context: Context) throws -> ExitStatus {
    let input = try InputFile(file, context.interruption)
    let progress = context.progress("verify", counting: "transactions")
    defer { progress.finish() }
    var stream = JournalStream(name: input.name) { try input.read(upTo: $0) }
    var chains = ChainVerifier()
    var summary = JournalSummary()
    while let event = try stream.next() {
      summary.add(event)
      guard case .transactions(let transactions, _) = event else { continue }
      for transaction in transactions {
        try chains.verify(transaction)
        try transaction.checkOperations()
      }
      progress.update(done: summary.transactions, fraction: input.fraction)
    }
    progress.finish()
    try context.report(summary.item(file: file))
    return .success
  }
}

/// What a journal holds, in numbers.
struct JournalSummary {
  private var header: JournalStreamHeader?
  private var origins: Set<Origin> = []
  private(set) var transactions: UInt64 = 0
  private var operations: UInt64 = 0
  private var reached = VersionVector()

  mutating func add(_ event: JournalReader.Event) {
    switch event {
    case .header(let header): self.header = header
    case .transactions(let transactions, _):
      for transaction in transactions {
        self.transactions += 1
        operations += UInt64(transaction.header.operationCount)
        origins.insert(transaction.header.origin)
      }
    case .totals(let totals): reached = totals.reached
    }
  }

  func item(file: String) -> Item {
    [
      "file": .text(file),
      "storeID": Item(header.map { "\($0.storeID)" }),
      "since": Item(header.map { "\($0.since)" }),
      "reached": .text("\(reached)"),
      "transactions": .unsigned(transactions),
      "operations": .unsigned(operations),
      "origins": Item(origins.count),
    ]
  }
}
