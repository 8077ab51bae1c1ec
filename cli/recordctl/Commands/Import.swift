// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `recordctl import`.
struct Import: StoreCommand {
  static let configuration = CommandConfiguration(commandName: "import", abstract: "Stub.")

  @OptionGroup var common: CommonOptions

  func execute(in context: Context) throws -> ExitStatus {
    .success
  }
}
