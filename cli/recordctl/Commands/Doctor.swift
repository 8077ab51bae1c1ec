// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Records
import StorageEngine

/// `recordctl doctor`.
struct Doctor: StoreCommand {
  static let configuration = CommandConfiguration(
    abstract: "Copy what can be read of a damaged store into a new one.",
    discussion: """
      The last resort: restoring a snapshot, or a sync from a peer, loses less. The damaged file is \
      only read. What could not be read is told, each with its place. As long as the journal is whole, \
      all records are made anew from it, and the copy takes part in the old data set as a new replica. \
      Otherwise it gets the records that were found, some of which may be older than the last commit, \
      and is a data set of its own, which no replica of the old one syncs with: 'export' what it holds, \
      and import it where it is missing. Exit code 10 says that something is missing in the copy.
      """)

  @Option(help: ArgumentHelp("The new store.", valueName: "path"))
  var into: String

  @OptionGroup var common: CommonOptions

  func execute(in context: Context) throws -> ExitStatus {
    let progress = context.progress("doctor", counting: "entries")
    defer { progress.finish() }
    let salvage: RecordSalvage
    do {
      salvage = try RecordStore.salvage(from: context.store, into: into) { copied in
        progress.update(done: copied)
        try context.interruption.check()
      }
    } catch let error as EngineError {
      let failure = Failure(error)
      guard failure.hint == Failure.restoreHint else { throw failure }
      throw Failure(
        .corrupt, failure.message,
        hint: "'recordctl snapshot restore FILE' into a new store, or a sync from a peer")
    }
    progress.finish()
    // What is lost counts, also where nobody reads the report.
    let told = Result { try tell(salvage, context) }
    guard salvage.isComplete else {
      let count = salvage.report.losses.count
      throw Failure(
        .corrupt,
        "\(count) part\(count == 1 ? "" : "s") of \(context.store) could not be read"
          + Self.consequence(salvage),
        hint: salvage.records == .none
          ? nil : "'recordctl export --store \(into)', and import of what is missing elsewhere")
    }
    try told.get()
    if salvage.records == .replayed {
      context.log.notice("all records were made anew from the journal, which is whole")
    }
    return .success
  }

  private func tell(_ salvage: RecordSalvage, _ context: Context) throws {
    let report = salvage.report
    let trees = report.trees.map { tree -> Item in
      [
        "name": .text(tree.name), "isNameLost": .bool(tree.isNameLost),
        "entries": .unsigned(tree.entries),
        "strayEntries": .unsigned(tree.strayEntries),
      ]
    }
    let losses = report.losses.map { loss -> Item in
      [
        "tree": Item(loss.tree), "from": Item(loss.from.map(Self.text)),
        "upTo": Item(loss.upTo.map(Self.text)), "damage": .text(loss.damage.description),
      ]
    }
    try context.report([
      "store": .text(context.store), "into": .text(into), "complete": .bool(salvage.isComplete),
      "records": .text(salvage.records.rawValue),
      "logTransactions": .unsigned(report.logTransactions),
      "lostLogTransactions": .unsigned(report.lostLogTransactions), "trees": .array(trees),
      "losses": .array(losses),
    ])
  }

  private static func consequence(_ salvage: RecordSalvage) -> String {
    var text =
      switch salvage.records {
      case .copied, .replayed: ""
      case .collected: "; the copy is a data set of its own"
      case .none: "; none of the trees that were found is known to hold records"
      }
    let hidden = salvage.report.trees.filter(\.isNameLost)
      .reduce(0) { $0 + $1.entries }
    if hidden > 0 {
      text += "; \(hidden) entries lie in trees without names, which no command shows"
    }
    return text
  }

  /// A key as text where it is some, else in hexadecimal digits.
  private static func text(_ key: [UInt8]) -> String {
    if let text = String(validating: key, as: UTF8.self), !text.contains(where: \.isControl) {
      return text
    }
    return key.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}

extension Character {
  fileprivate var isControl: Bool {
    unicodeScalars.contains { $0.properties.generalCategory == .control }
  }
}
