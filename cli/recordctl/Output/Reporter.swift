// SPDX-License-Identifier: Apache-2.0

/// How data is printed.
enum OutputFormat: String, CaseIterable, Sendable {
  case text, table, json, jsonl, csv
}

/// Prints what a command reports about what it did or found, in the format asked for.
struct Reporter {
  let format: OutputFormat
  private let output = OutputFile()

  init(_ format: OutputFormat) {
    self.format = format
  }

  /// Prints one object.
  func report(_ item: Item) throws {
    guard case .object(let members) = item else { return }
    switch format {
    case .text:
      for line in item.textLines() { try output.writeLine(line) }
    case .table:
      var table = Table(headings: ["name", "value"])
      for member in members { table.append([member.name, member.item.plainText]) }
      for line in table.lines { try output.writeLine(line) }
    case .json: try output.writeLine(item.prettyJSON)
    case .jsonl: try output.writeLine(item.json)
    case .csv:
      try output.writeLine(members.map(\.name.csvCell).joined(separator: ","))
      try output.writeLine(members.map(\.item.csvCell).joined(separator: ","))
    }
    try output.finish()
  }
}
