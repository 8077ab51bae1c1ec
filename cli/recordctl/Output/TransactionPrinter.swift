// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

/// Prints transactions of a journal on standard output, one after the other.
struct TransactionPrinter {
  private let format: OutputFormat
  private let output = OutputFile()
  private var count = 0
  private var table = Table(headings: TransactionPrinter.columns)

  private static let columns = ["transaction", "written", "operations", "bytes", "collections"]

  init(_ format: OutputFormat) {
    self.format = format
  }

  mutating func print(_ transaction: EncodedTransaction) throws {
    switch format {
    case .json:
      try output.write((count == 0 ? "[\n" : ",\n").utf8)
      try output.write(Item(transaction).json.utf8)
    case .jsonl: try output.writeLine(Item(transaction).json)
    case .csv:
      if count == 0 { try output.writeLine(Self.columns.joined(separator: ",")) }
      try output.writeLine(Self.cells(transaction).map(\.csvCell).joined(separator: ","))
    case .table: table.append(Self.cells(transaction))
    case .text: try printText(transaction)
    }
    count += 1
  }

  mutating func finish() throws {
    switch format {
    case .json: try output.writeLine(count == 0 ? "[]" : "\n]")
    case .table: for line in table.lines { try output.writeLine(line) }
    default: break
    }
    try output.finish()
  }

  private static func cells(_ transaction: EncodedTransaction) -> [String] {
    let header = transaction.header
    return [
      "\(header.dot)", header.timestamp.text, "\(header.operationCount)",
      "\(transaction.bytes.count)", header.parts.map(\.collection).joined(separator: " "),
    ]
  }

  private func printText(_ transaction: EncodedTransaction) throws {
    let header = transaction.header
    try output.writeLine("\(header.dot)  \(header.timestamp.text)  hash \(transaction.hash)")
    try transaction.forEachOperation { operation in
      let name = "\(operation.collection) \(operation.key)".terminalSafe
      switch operation.change {
      case .delete: try output.writeLine("  delete \(name)")
      case .patch(let fields):
        let changes = fields.map { field in
          field.value.map { "\(field.field)=\(Item($0).json)" } ?? "-\(field.field)"
        }
        try output.writeLine("  patch  \(name)  " + changes.joined(separator: " ").terminalSafe)
      }
    }
  }
}

extension Item {
  /// A transaction with all its operations.
  init(_ transaction: EncodedTransaction) throws {
    let header = transaction.header
    var operations: [Item] = []
    try transaction.forEachOperation { operations.append(Item($0)) }
    self = [
      "origin": .text("\(header.origin)"),
      "sequence": .unsigned(header.sequence),
      "timestamp": .unsigned(header.timestamp.rawValue),
      "written": .text(header.timestamp.text),
      "dependencies": .text("\(header.dependencies)"),
      "schemaEpoch": .unsigned(header.schemaEpoch),
      "previousHash": .text("\(header.previousHash)"),
      "hash": .text("\(transaction.hash)"),
      "operations": .array(operations),
    ]
  }

  private init(_ operation: Operation) {
    let change: [Member] =
      switch operation.change {
      case .delete: [Member(name: "change", item: "delete")]
      case .patch(let fields):
        [
          Member(name: "change", item: "patch"),
          Member(
            name: "fields",
            item: .object(
              fields.compactMap { field in
                field.value.map { Member(name: field.field, item: Item($0)) }
              })),
          Member(
            name: "removed",
            item: .array(fields.filter { $0.value == nil }.map { .text($0.field) })),
        ]
      }
    let record = [
      Member(name: "collection", item: .text(operation.collection)),
      Member(name: "key", item: Item(operation.key)),
    ]
    self = .object(record + change)
  }
}
