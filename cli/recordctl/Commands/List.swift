// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser
import ChangeJournal
public import Records

/// `recordctl list`.
struct List: StoreCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print the records of a collection in key order.",
    discussion: "Prints a table on a terminal, else JSON lines.")

  @Argument(help: "The collection.")
  var collection: String

  @Option(help: ArgumentHelp("Print at most so many.", valueName: "n"))
  var limit: Int?

  @Option(help: ArgumentHelp("Only text keys that begin so.", valueName: "text"))
  var prefix: String?

  @Option(
    name: .customLong("where"),
    help: ArgumentHelp(
      "Only records whose field is that text, or that number, boolean or null. May be repeated.",
      valueName: "field=value"))
  var conditions: [FieldCondition] = []

  @OptionGroup var common: CommonOptions

  func validate() throws {
    if let limit, limit < 0 { throw ValidationError("--limit must not be negative") }
  }

  func execute(in context: Context) throws -> ExitStatus {
    let store = try context.openToRead()
    defer { try? store.close() }
    let isTerminal = Descriptor.output.isTerminal
    let printer = RecordPrinter(context.format ?? (isTerminal ? .table : .jsonl))
    try store.read { reader in
      try context.tellIfEmpty(collection, reader)
      var records = try reader.records(in: collection, prefix: prefix)
      var left = limit ?? .max
      while left > 0, let record = try records.next() {
        try context.interruption.check()
        guard conditions.allSatisfy({ $0.holds(for: record) }) else { continue }
        try printer.print(record)
        left -= 1
      }
    }
    try printer.finish()
    return .success
  }
}

extension FieldCondition: ExpressibleByArgument {
  /// Reads FIELD=VALUE.
  public init?(argument: String) {
    self.init(parsing: argument)
  }
}
