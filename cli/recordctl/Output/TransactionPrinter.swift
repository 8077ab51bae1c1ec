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
      try output.write(TransactionJSON.line(transaction))
    case .jsonl: try output.write(TransactionJSON.line(transaction) + [UInt8(ascii: "\n")])
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
      "\(header.dot)", header.timestamp.timeText, "\(header.operationCount)",
      "\(transaction.bytes.count)", header.parts.map(\.collection).joined(separator: " "),
    ]
  }

  private func printText(_ transaction: EncodedTransaction) throws {
    let header = transaction.header
    try output.writeLine("\(header.dot)  \(header.timestamp.timeText)  hash \(transaction.hash)")
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

extension HybridTimestamp {
  /// The time in UTC as in RFC 3339; the counter is left out.
  var timeText: String { CalendarTime.text(milliseconds: milliseconds) }
}
