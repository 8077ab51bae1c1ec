// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `recordctl journal`.
struct JournalCommand: StoreCommand {
  static let configuration = CommandConfiguration(commandName: "journal", abstract: "Stub.")

  @OptionGroup var common: CommonOptions

  func execute(in context: Context) throws -> ExitStatus {
    .success
  }
}
