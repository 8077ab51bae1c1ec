// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Records

/// `recordctl snapshot`: names its subcommands.
struct SnapshotCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "snapshot",
    abstract: "Write the whole store to a file, check such a file, make a store from it.",
    subcommands: [SnapshotCreate.self, SnapshotVerify.self, SnapshotRestore.self])
}

extension Item {
  /// What a snapshot contains, for the report of each subcommand.
  ///
  /// Which trees of a store are not part of it only the subcommand that makes it can say.
  init(_ summary: SnapshotSummary, file: String, foreignTrees: [String]? = nil) {
    var members: [(String, Item)] = [
      ("file", .text(file)),
      ("storeID", .text("\(summary.storeID)")),
      ("position", .text("\(summary.applied)")),
      ("transactions", .unsigned(summary.transactions)),
      ("held", .unsigned(summary.held)),
      ("records", .unsigned(summary.records)),
      ("tombstones", .unsigned(summary.tombstones)),
      ("memoryTrees", .array(summary.memoryTrees.map { .text($0) })),
      ("memoryEntries", .unsigned(summary.memoryEntries)),
      ("bytes", .unsigned(summary.bytes)),
    ]
    if let foreignTrees {
      members.append(("foreignTrees", .array(foreignTrees.map { .text($0) })))
    }
    self = .object(members.map { Member(name: $0.0, item: $0.1) })
  }
}
