// SPDX-License-Identifier: Apache-2.0

@testable import Records
import TestSupport
import Testing

@Suite("CSV")
struct CSVTests {
  /// The cells of all rows, read in one piece.
  private static func rows(_ bytes: [UInt8], delimiter: Character = ",") throws -> [[String]] {
    var parser = CSVParser(delimiter: delimiter.asciiValue ?? 0)
    var rows: [[String]] = []
    while try parser.parseRow(bytes.span, isFinal: true) == .row {
      rows.append(
        parser.cells.map { String(decoding: parser.text(of: $0, in: bytes.span), as: UTF8.self) })
    }
    return rows
  }

  private static func rows(_ text: String, delimiter: Character = ",") throws -> [[String]] {
    try rows(Array(text.utf8), delimiter: delimiter)
  }

  @Test(arguments: [
    ("a,b\nc,d\n", [["a", "b"], ["c", "d"]]), ("a,b\r\nc,d", [["a", "b"], ["c", "d"]]),
    ("\n\r\na\n\n\nb\n", [["a"], ["b"]]), (",\n", [["", ""]]), ("a,", [["a", ""]]),
    ("\"a,b\",\"c\"\"d\"\n", [["a,b", "c\"d"]]), ("\"a\nb\r\nc\",d\n", [["a\nb\r\nc", "d"]]),
    ("\"\"\n", [[""]]), ("\"\"\"\"", [["\""]]), ("5\" disk,a\"b\"c\n", [["5\" disk", "a\"b\"c"]]),
    ("a\rb,c\n", [["a\rb", "c"]]), ("a\r", [["a"]]), ("", []), (" \"a\" ,b", [[" \"a\" ", "b"]]),
  ])
  func `rows are cut as RFC 4180 says`(text: String, expected: [[String]]) throws {
    #expect(try Self.rows(text) == expected)
  }

  @Test func `the delimiter may be any byte`() throws {
    #expect(
      try Self.rows("0041;LATIN CAPITAL LETTER A;Lu;0;L;;;;;N;;;;0061;", delimiter: ";")[0]
        .count == 15)
    #expect(try Self.rows("a\t\"b\tc\"", delimiter: "\t") == [["a", "b\tc"]])
  }

  @Test func `a quote that never closes and text behind one are refused with their line`() {
    #expect(throws: CSVError(problem: .unclosedQuote, line: 2)) { try Self.rows("a\n\"b\nc") }
    #expect(throws: CSVError(problem: .textBehindQuote, line: 3)) {
      try Self.rows("a\n\"b\nc\"d\n")
    }
  }

  @Test func `a file read in pieces of any length gives the same rows`() throws {
    let text = Array("\"a\"\"\nb\",c\r\n\r\nd,\"\"\ne\r,f\r\n\"g\",h".utf8)
    let whole = try Self.rows(text)
    for first in 0...text.count {
      var parser = CSVParser(delimiter: UInt8(ascii: ","))
      var rows: [[String]] = []
      var part = Array(text[..<first])
      while true {
        let outcome = try parser.parseRow(part.span, isFinal: part.count == text.count)
        if outcome == .end { break }
        if outcome == .incomplete {
          part = Array(text[..<min(part.count + 1, text.count)])
          continue
        }
        rows.append(
          parser.cells.map { String(decoding: parser.text(of: $0, in: part.span), as: UTF8.self) })
      }
      #expect(rows == whole, "first \(first) bytes")
    }
  }

  @Test func `random cells come back from what is written`() throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    for _ in 0..<2000 {
      let cells = (0...random.below(4)).map { _ in
        let text = RandomValues.text(&random)
        return text.isEmpty ? "x" : text
      }
      var output: [UInt8] = []
      for (place, cell) in cells.enumerated() {
        if place > 0 { output.append(TextByte.comma) }
        let bytes = Array(cell.utf8)
        CSVWriter.appendCell(bytes.span, 0..<bytes.count, to: &output)
      }
      output.append(TextByte.newline)
      #expect(try Self.rows(output) == [cells], "seed \(TestEnvironment.seed)")
    }
  }
}
