// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Records

/// `recordctl put`.
struct Put: StoreCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a record.",
    discussion: """
      The record has the fields of the JSON object afterwards, and no others. What is equal \
      already is not written again.
      """)

  @OptionGroup var record: KeyArguments

  @Argument(help: "A JSON object, or - to read it from standard input.")
  var json: String

  @OptionGroup var common: CommonOptions

  func execute(in context: Context) throws -> ExitStatus {
    .success
  }
}
