// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import Records

/// Prints records on standard output, one after the other, in the format asked for.
final class RecordPrinter {
  private let format: OutputFormat
  /// Whether it is one record rather than a list of any length.
  private let isSingle: Bool
  private let output = OutputFile()
  private var count = 0
  /// Table and CSV need to know all fields first.
  private var gathered: [StoredRecord] = []

  init(_ format: OutputFormat, isSingle: Bool = false) {
    self.format = format
    self.isSingle = isSingle
  }

  func print(_ record: StoredRecord) throws {
    switch format {
    case .text:
      if count > 0 { try output.writeLine("") }
      for line in Item(record).textLines() { try output.writeLine(line) }
    case .jsonl: try output.write(record.json + [UInt8(ascii: "\n")])
    case .json where isSingle: try output.writeLine(Item(record).prettyJSON)
    case .json:
      try output.write((count == 0 ? "[\n" : ",\n").utf8)
      try output.write(record.json)
    case .table, .csv: gathered.append(record)
    }
    count += 1
  }

  func finish() throws {
    switch format {
    case .json where !isSingle:
      try output.writeLine(count == 0 ? "[]" : "\n]")
    case .table: try printTable()
    case .csv: try printCSV()
    default: break
    }
    try output.finish()
  }

  /// The fields of all gathered records, ordered by name.
  private var fieldNames: [String] {
    Set(gathered.flatMap { $0.fields.map { ByteText($0.name) } }).sorted().map(\.text)
  }

  private func printTable() throws {
    let names = fieldNames
    var table = Table(headings: ["_key"] + names)
    for record in gathered {
      let cells = names.map { record[$0].map { Item($0).plainText } ?? "" }
      table.append([record.key.description] + cells)
    }
    for line in table.lines { try output.writeLine(line) }
  }

  private func printCSV() throws {
    let names = fieldNames
    try output.writeLine((["_key"] + names).map(\.csvCell).joined(separator: ","))
    for record in gathered {
      // As export writes them: only what is absent is empty.
      let cells = names.map { name in
        record[name].map { $0 == .null ? "null" : Item($0).csvCell } ?? ""
      }
      try output.writeLine(([record.key.description.csvCell] + cells).joined(separator: ","))
    }
  }
}

extension Item {
  /// A record, its key first.
  init(_ record: StoredRecord) {
    let fields = record.fields.map { Member(name: $0.name, item: Item($0.value)) }
    self = .object([Member(name: "_key", item: Item(record.key))] + fields)
  }

  init(_ key: RecordKey) {
    switch key {
    case .integer(let number): self = .integer(number)
    case .text(let text): self = .text(text)
    case .uuid(let uuid): self = ["$uuid": .text("\(uuid)")]
    }
  }

  init(_ value: ChangeJournal.Value) {
    switch value {
    case .null: self = .null
    case .bool(let bool): self = .bool(bool)
    case .integer(let number): self = .integer(number)
    case .unsigned(let number): self = .unsigned(number)
    case .text(let text): self = .text(text)
    default: self = .json(value.json)
    }
  }
}
