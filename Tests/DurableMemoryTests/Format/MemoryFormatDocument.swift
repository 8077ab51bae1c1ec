// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// Section 7 of docs/FORMAT.md, to be compared with what durable memory writes.
struct MemoryFormatDocument {
  private let lines: [Substring]

  init() throws {
    lines = try SourceTree.text("docs/FORMAT.md").split(
      separator: "\n", omittingEmptySubsequences: false)
  }

  /// The lines of a section whose heading ends with a title.
  private func section(_ title: String) throws -> ArraySlice<Substring> {
    let start = try #require(
      lines.firstIndex { $0.hasPrefix("### 7.") && $0.hasSuffix(title) }, "\(title)")
    return lines[(start + 1)...].prefix { !$0.hasPrefix("#") }
  }

  /// The words of a section, on one line.
  func words(of title: String) throws -> String {
    try section(title).joined(separator: " ")
  }

  /// The rows of the table of a section whose head begins with a cell, as trimmed cells.
  func table(_ head: String, in title: String) throws -> [[String]] {
    let lines = try section(title)
    let start = try #require(lines.firstIndex { $0.hasPrefix("| \(head) |") }, "\(head)")
    return lines[(start + 2)...].prefix { $0.hasPrefix("|") }.map { row in
      row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
    }
  }
}

/// The bytes of a number, the least significant first.
func littleEndianBytes(_ number: UInt64) -> [UInt8] {
  (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * $0)) }
}
