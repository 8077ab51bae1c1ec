// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `recordctl export`.
struct Export: StoreCommand {
  static let configuration = CommandConfiguration(commandName: "export", abstract: "Stub.")

  @OptionGroup var common: CommonOptions

  func execute(in context: Context) throws -> ExitStatus {
    .success
  }
}
