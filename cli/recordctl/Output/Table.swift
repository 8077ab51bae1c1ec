// SPDX-License-Identifier: Apache-2.0

/// Rows under headings, in columns as wide as their widest cell up to a limit.
struct Table {
  /// The most characters a column is given.
  private static let widestColumn = 60

  private let headings: [String]
  private var rows: [[String]] = []
  private var widths: [Int]

  init(headings: [String]) {
    self.headings = headings.map(\.terminalSafe)
    widths = self.headings.map { min($0.count, Table.widestColumn) }
  }

  /// Adds a row with a cell for each heading.
  mutating func append(_ cells: [String]) {
    let row = cells.map { $0.terminalSafe.shortened(to: Table.widestColumn) }
    for (column, cell) in row.enumerated() where cell.count > widths[column] {
      widths[column] = cell.count
    }
    rows.append(row)
  }

  /// The lines, headings first, without trailing spaces.
  var lines: [String] {
    let rule = widths.map { String(repeating: "-", count: $0) }
    return ([headings, rule] + rows).map(line)
  }

  private func line(_ cells: [String]) -> String {
    var line = ""
    for (column, cell) in cells.enumerated() {
      if column == cells.count - 1 {
        line += cell
      } else {
        line += cell.padded(to: widths[column]) + "  "
      }
    }
    return line
  }
}
