// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `recordctl serve`.
struct Serve: StoreCommand {
  static let configuration = CommandConfiguration(commandName: "serve", abstract: "Stub.")

  @OptionGroup var common: CommonOptions

  func execute(in context: Context) throws -> ExitStatus {
    .success
  }
}
