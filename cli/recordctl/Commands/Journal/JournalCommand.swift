// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `recordctl journal`: names its subcommands.
struct JournalCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "journal",
    abstract: "Export, read and replay the journal of changes.",
    subcommands: [
      JournalExport.self, JournalInspect.self, JournalReplay.self, JournalVerify.self,
    ])
}
