// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `recordctl snapshot`.
struct SnapshotCommand: StoreCommand {
  static let configuration = CommandConfiguration(commandName: "snapshot", abstract: "Stub.")

  @OptionGroup var common: CommonOptions

  func execute(in context: Context) throws -> ExitStatus {
    .success
  }
}
