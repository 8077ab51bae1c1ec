// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `recordctl sync`.
struct Sync: StoreCommand {
  static let configuration = CommandConfiguration(commandName: "sync", abstract: "Stub.")

  @OptionGroup var common: CommonOptions

  func execute(in context: Context) throws -> ExitStatus {
    .success
  }
}
