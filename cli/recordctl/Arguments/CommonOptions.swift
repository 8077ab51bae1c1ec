// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

extension OutputFormat: ExpressibleByArgument {}
extension ProgressChoice: ExpressibleByArgument {}

/// The options of every command.
struct CommonOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The store.", valueName: "path"))
  var store = "./records.store"

  @Option(help: ArgumentHelp("How to print: text, table, json, jsonl or csv.", valueName: "format"))
  var output: OutputFormat?

  @Option(help: ArgumentHelp("Show progress: auto, always or never.", valueName: "when"))
  var progress = ProgressChoice.auto

  @Flag(name: .shortAndLong, help: "Print nothing but data and errors.")
  var quiet = false

  @Flag(name: .shortAndLong, help: "Tell what is being done on standard error.")
  var verbose = false

  func validate() throws {
    if quiet && verbose { throw ValidationError("--quiet and --verbose exclude each other") }
    if store.isEmpty { throw ValidationError("--store is empty") }
  }
}

/// A command as `Main` runs it.
protocol StoreCommand: ParsableCommand {
  var common: CommonOptions { get }

  /// Does the work. What is returned is a kind of success: `.success`, `.held` or `.differs`.
  func execute(in context: Context) async throws -> ExitStatus
}

/// What commands are given to work with.
struct Context: Sendable {
  /// The path of the store.
  let store: String
  /// The format asked for; nil leaves the choice to the command.
  let format: OutputFormat?
  let isQuiet: Bool
  let log: Log
  let interruption: Interruption
  private let progress: ProgressChoice

  init(_ options: CommonOptions, _ log: Log, _ interruption: Interruption) {
    store = options.store
    format = options.output
    isQuiet = options.quiet
    progress = options.quiet ? .never : options.progress
    self.log = log
    self.interruption = interruption
  }

  /// Starts to show progress.
  func progress(_ label: String, counting unit: String) -> Progress {
    Progress(progress, label: label, unit: unit)
  }

  /// Prints what was done, unless asked to be quiet; formats made for programs are always printed.
  func report(_ item: Item) throws {
    if isQuiet && format == nil { return }
    try Reporter(format ?? .text).report(item)
  }
}
