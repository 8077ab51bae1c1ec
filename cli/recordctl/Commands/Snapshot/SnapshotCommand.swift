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
  init(_ summary: SnapshotSummary, file: String) {
    self = [
      "file": .text(file),
      "storeID": .text("\(summary.storeID)"),
      "position": .text("\(summary.applied)"),
      "transactions": .unsigned(summary.transactions),
      "held": .unsigned(summary.held),
      "records": .unsigned(summary.records),
      "tombstones": .unsigned(summary.tombstones),
      "bytes": .unsigned(summary.bytes),
      "leftOut": .array(summary.leftOut.map { .text($0) }),
    ]
  }
}
