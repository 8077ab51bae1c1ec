// SPDX-License-Identifier: Apache-2.0

/// Text that is not the CSV it should be, with its line.
public struct CSVError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What can be wrong with CSV text.
  public enum Problem: Sendable, Equatable {
    /// A quoted cell that never ends.
    case unclosedQuote
    /// Something between a closing quote and the next delimiter.
    case textBehindQuote
    /// A row with more or fewer cells than there are columns.
    case raggedRow(cells: Int, columns: Int)
    /// Bytes that are not UTF-8.
    case invalidUTF8
    /// Rows that end with CR alone.
    case carriageReturns
    /// A column without a name.
    case unnamedColumn(Int)
    /// Two columns of one name.
    case duplicateColumn(String)
    /// No header, and no columns given.
    case missingHeader
    /// The column that should hold the key does not exist.
    case missingKeyColumn(String)
  }

  /// What is wrong.
  public let problem: Problem
  /// The line, counted from 1.
  public let line: Int

  /// Creates an error.
  public init(problem: Problem, line: Int) {
    self.problem = problem
    self.line = line
  }

  /// One sentence for people.
  public var description: String { "line \(line): \(problem)" }
}

extension CSVError.Problem: CustomStringConvertible {
  /// A phrase for people.
  public var description: String {
    switch self {
    case .unclosedQuote: "a quoted cell begins here and never ends"
    case .textBehindQuote: "text between a closing quote and the next delimiter"
    case .raggedRow(let cells, let columns):
      "a row of \(cells) cells in a table of \(columns) columns"
    case .invalidUTF8: "the text is not UTF-8"
    case .carriageReturns: "a CR without a LF: lines end with LF or CRLF"
    case .unnamedColumn(let number): "column \(number) has no name"
    case .duplicateColumn(let name): "two columns are named \"\(name)\""
    case .missingHeader: "there is no header line"
    case .missingKeyColumn(let name): "there is no column \"\(name)\" to take the key from"
    }
  }
}
