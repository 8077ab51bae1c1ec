// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `recordctl info`.
struct Info: StoreCommand {
  static let configuration = CommandConfiguration(commandName: "info", abstract: "Stub.")

  @OptionGroup var common: CommonOptions

  func execute(in context: Context) throws -> ExitStatus {
    .success
  }
}
