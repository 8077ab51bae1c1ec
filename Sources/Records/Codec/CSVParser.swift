// SPDX-License-Identifier: Apache-2.0

/// Parses CSV (RFC 4180) row by row, from bytes that are passed to each call.
///
/// A quote counts only as the first byte of a cell; elsewhere it is an ordinary character, as in
/// files that were written without quotes. Rows end with LF, CRLF or the end of the text.
struct CSVParser {
  /// One cell: where it is, and whether it holds doubled quotes.
  struct Cell {
    var range: Range<Int>
    var hasDoubledQuotes = false
  }

  /// What a call found.
  enum Outcome: Equatable {
    /// A row is in `cells`.
    case row
    /// The text ends inside the row; try again with more of it.
    case incomplete
    /// There are no further rows.
    case end
  }

  /// The byte between cells.
  let delimiter: UInt8
  /// The next byte to read.
  var offset = 0
  /// The line on which the next row begins, counted from 1.
  private(set) var line = 1
  /// The line on which the last row read begins.
  private(set) var rowLine = 1
  /// The cells of the last row.
  private(set) var cells: [Cell] = []

  init(delimiter: UInt8) {
    self.delimiter = delimiter
  }

  /// Reads the next row that is not empty; `isFinal` says that no more text follows.
  mutating func parseRow(_ bytes: Span<UInt8>, isFinal: Bool) throws(CSVError) -> Outcome {
    guard skipEmptyLines(bytes, isFinal) else { return .incomplete }
    guard offset < bytes.count else { return isFinal ? .end : .incomplete }
    cells.removeAll(keepingCapacity: true)
    rowLine = line
    var index = offset
    var newlines = 0
    while true {
      guard let next = try parseCell(bytes, from: index, isFinal, &newlines) else {
        return .incomplete
      }
      index = next
      // A row ends at the end of the text, at LF, or at CR: `parseCell` looked behind the CR.
      if index == bytes.count { break }
      let byte = bytes[index]
      index += 1
      if byte == delimiter { continue }
      if byte == TextByte.carriageReturn { index += 1 }
      newlines += 1
      break
    }
    offset = min(index, bytes.count)
    line += newlines
    return .row
  }

  /// Passes over empty lines; false when it takes more text to tell.
  private mutating func skipEmptyLines(_ bytes: Span<UInt8>, _ isFinal: Bool) -> Bool {
    while offset < bytes.count {
      if bytes[offset] == TextByte.newline {
        offset += 1
      } else if bytes[offset] == TextByte.carriageReturn {
        guard offset + 1 < bytes.count else {
          if isFinal { offset += 1 }
          return isFinal
        }
        guard bytes[offset + 1] == TextByte.newline else { return true }
        offset += 2
      } else {
        return true
      }
      line += 1
    }
    return true
  }

  /// Reads a cell that begins at `start` and returns the place of the delimiter, line end or end
  /// of text behind it; `nil` when it takes more text to tell.
  @inline(__always)
  private mutating func parseCell(
    _ bytes: Span<UInt8>, from start: Int, _ isFinal: Bool, _ newlines: inout Int
  ) throws(CSVError) -> Int? {
    if start < bytes.count, bytes[start] == TextByte.quote {
      return try parseQuotedCell(bytes, from: start + 1, isFinal, &newlines)
    }
    var index = start
    while index < bytes.count {
      let byte = bytes[index]
      if byte == delimiter || byte == TextByte.newline { break }
      if byte == TextByte.carriageReturn {
        guard index + 1 < bytes.count else { return isFinal ? endCell(start, index) : nil }
        if bytes[index + 1] == TextByte.newline { break }
      }
      index += 1
    }
    guard index < bytes.count || isFinal else { return nil }
    cells.append(Cell(range: start..<index))
    return index
  }

  /// Ends a cell before a CR that is the last byte of all.
  private mutating func endCell(_ start: Int, _ end: Int) -> Int {
    cells.append(Cell(range: start..<end))
    return end
  }

  private mutating func parseQuotedCell(
    _ bytes: Span<UInt8>, from start: Int, _ isFinal: Bool, _ newlines: inout Int
  ) throws(CSVError) -> Int? {
    var cell = Cell(range: start..<start)
    var index = start
    while index < bytes.count {
      let byte = bytes[index]
      if byte == TextByte.newline { newlines += 1 }
      guard byte == TextByte.quote else {
        index += 1
        continue
      }
      guard index + 1 < bytes.count || isFinal else { return nil }
      if index + 1 < bytes.count, bytes[index + 1] == TextByte.quote {
        cell.hasDoubledQuotes = true
        index += 2
        continue
      }
      cell.range = start..<index
      cells.append(cell)
      return try placeBehindQuote(bytes, index + 1, isFinal, newlines)
    }
    guard !isFinal else {
      throw CSVError(problem: .unclosedQuote, line: line)
    }
    return nil
  }

  /// Checks that a row or cell ends behind a closing quote.
  private func placeBehindQuote(
    _ bytes: Span<UInt8>, _ index: Int, _ isFinal: Bool, _ newlines: Int
  ) throws(CSVError) -> Int? {
    guard index < bytes.count else { return index }
    let byte = bytes[index]
    if byte == delimiter || byte == TextByte.newline { return index }
    if byte == TextByte.carriageReturn {
      guard index + 1 < bytes.count else { return isFinal ? index : nil }
      if bytes[index + 1] == TextByte.newline { return index }
    }
    throw CSVError(problem: .textBehindQuote, line: line + newlines)
  }
}
