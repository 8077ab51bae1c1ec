// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A chapter of docs/FORMAT.md, to be compared with what is written.
public struct FormatChapter {
  private let number: Int
  private let lines: [Substring]

  /// Reads the document.
  public init(_ number: Int) throws {
    self.number = number
    lines = try SourceTree.text("docs/FORMAT.md").split(
      separator: "\n", omittingEmptySubsequences: false)
  }

  /// The lines of a section whose heading ends with a title.
  private func section(_ title: String) throws -> ArraySlice<Substring> {
    let start = lines.firstIndex { $0.hasPrefix("### \(number).") && $0.hasSuffix(title) }
    guard let start else { throw TestFailure("chapter \(number) has no section '\(title)'") }
    return lines[(start + 1)...].prefix { !$0.hasPrefix("#") }
  }

  /// The words of a section, on one line.
  public func words(of title: String) throws -> String {
    try section(title).joined(separator: " ")
  }

  /// The rows of the tables of a section, without their heads, as trimmed cells.
  public func tables(in title: String) throws -> [[[String]]] {
    try section(title).split { !$0.hasPrefix("|") }.map(Self.rows)
  }

  /// The rows of the table of a section whose head begins with a cell, as trimmed cells.
  public func table(_ head: String, in title: String) throws -> [[String]] {
    let lines = try section(title)
    guard let start = lines.firstIndex(where: { $0.hasPrefix("| \(head) |") }) else {
      throw TestFailure("section '\(title)' has no table of '\(head)'")
    }
    return Self.rows(of: lines[start...].prefix { $0.hasPrefix("|") })
  }

  private static func rows(of table: ArraySlice<Substring>) -> [[String]] {
    table.dropFirst(2).map { row in
      row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
    }
  }
}
