// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ChangeJournal
import Records

/// `recordctl journal replay`.
struct JournalReplay: StoreCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Apply the transactions of a journal to the store.",
    discussion: """
      What the store has already is passed over. A store without transactions becomes a replica \
      of the journal's data set. Exit code 3 says that something is held: see 'status'.
      """)

  @Argument(help: "The journal, or - for standard input.")
  var file: String

  @Flag(help: "Join the two data sets, though both have transactions.")
  var adopt = false

  @OptionGroup var common: CommonOptions

  func execute(in context: Context) throws -> ExitStatus {
    let store = try RecordStore.open(at: context.store)
    defer { try? store.close() }
    let input = try InputFile(file, context.interruption)
    let progress = context.progress("replay", counting: "transactions")
    defer { progress.finish() }
    var storeID = store.storeID
    var stream = JournalStream(name: input.name) { try input.read(upTo: $0) }
    var applied: UInt64 = 0
    var known: UInt64 = 0
    do {
      while let event = try stream.next() {
        switch event {
        case .header(let header):
          storeID = header.storeID
          if adopt { try store.adopt(storeID, force: true) }
          // Asks whether it may be; an empty store changes with the first transactions only.
          _ = try store.apply([], of: storeID)
        case .transactions(let transactions, _):
          let outcome = try store.apply(transactions, of: storeID)
          applied += UInt64(outcome.applied)
          known += UInt64(outcome.known)
          progress.update(done: applied + known, fraction: input.fraction)
        case .totals: break
        }
      }
    } catch {
      progress.finish()
      if applied > 0 {
        context.log.notice("transactions that were applied, each whole: \(applied)")
      }
      throw error
    }
    progress.finish()
    let status = try store.status()
    try store.close()
    try context.report([
      "file": .text(file), "applied": .unsigned(applied), "known": .unsigned(known),
      "held": Item(status.held.count), "position": .text("\(status.applied)"),
    ])
    return status.held.isEmpty ? .success : .held
  }
}
