// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `recordctl check`.
struct Check: StoreCommand {
  static let configuration = CommandConfiguration(commandName: "check", abstract: "Stub.")

  @OptionGroup var common: CommonOptions

  func execute(in context: Context) throws -> ExitStatus {
    .success
  }
}
