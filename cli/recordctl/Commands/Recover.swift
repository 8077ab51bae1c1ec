// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import StorageEngine

/// `recordctl recover`.
struct Recover: StoreCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show the transactions that a crash left in doubt, and decide on them.",
    discussion: """
      Without a decision they are shown and stay as they are: they hold what they wrote, and commits \
      that need it wait. A transaction whose commit had begun can be rolled back as long as nothing \
      builds on it.
      """)

  @Option(help: ArgumentHelp("Make the changes of a transaction.", valueName: "number"))
  var commit: [UInt64] = []

  @Option(help: ArgumentHelp("Give up the changes of a transaction.", valueName: "number"))
  var rollback: [UInt64] = []

  @Option(
    help: ArgumentHelp("Decide on all others: commit, rollback or keep.", valueName: "decision"),
    transform: Self.decision)
  var others = InDoubtDecision.keep

  @Flag(help: "Show what would be decided, and change nothing.")
  var dryRun = false

  @OptionGroup var common: CommonOptions

  private static func decision(_ text: String) throws -> InDoubtDecision {
    guard let decision = InDoubtDecision(rawValue: text) else {
      throw ValidationError("'\(text)' is none of commit, rollback, keep")
    }
    return decision
  }

  func validate() throws {
    if let both = commit.first(where: rollback.contains) {
      throw ValidationError("transaction \(both) is both to be committed and to be rolled back")
    }
  }

  func execute(in context: Context) throws -> ExitStatus {
    var configuration = Configuration()
    configuration.inDoubtPolicy = others
    configuration.isReadOnly = dryRun
    let plan = try Database.recover(at: context.store, configuration: configuration)
    for number in commit { try plan.decide(.commit, on: number) }
    for number in rollback { try plan.decide(.rollback, on: number) }
    let transactions = plan.transactions.map { transaction -> Item in
      [
        "number": .unsigned(transaction.number),
        "identifier": .text(String(decoding: transaction.identifier, as: UTF8.self)),
        "state": .text(transaction.state.rawValue),
        "ageSeconds": .unsigned(transaction.age / 1000),
        "decision": .text((plan.decision(on: transaction.number) ?? .keep).rawValue),
      ]
    }
    if dryRun { plan.cancel() } else { try plan.finish().close() }
    try Reporter(context.format ?? .text).report([
      "store": .text(context.store), "transactions": .array(transactions),
    ])
    return .success
  }
}
