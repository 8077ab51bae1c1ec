// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// What holds for every document.
@Suite struct DocumentTests {
  static let documents = Repository.files(withExtension: "md")

  @Test(arguments: documents)
  func `a document has one title and starts with it`(path: String) throws {
    let lines = Self.proseLines(try Repository.text(path))
    #expect(lines.first?.hasPrefix("# ") == true)
    #expect(lines.filter { $0.hasPrefix("# ") }.count == 1)
  }

  @Test(arguments: documents)
  func `links between documents lead to a file and a heading that exist`(path: String) throws {
    let text = Self.proseLines(try Repository.text(path)).joined(separator: "\n")
    let folder = path.split(separator: "/").dropLast().joined(separator: "/")
    for match in text.matches(of: /\]\(([^)\s]+)\)/) {
      let link = String(match.1)
      if link.contains("://") || link.hasPrefix("mailto:") { continue }
      let parts = link.split(separator: "#", omittingEmptySubsequences: false).map(String.init)
      let target = parts[0].isEmpty ? path : Self.resolve(parts[0], from: folder)
      #expect(Repository.exists(target), "\(path) links to \(link)")
      guard parts.count > 1, target.hasSuffix(".md"), Repository.exists(target) else { continue }
      let anchors = Self.anchors(in: try Repository.text(target))
      #expect(anchors.contains(parts[1]), "\(path) links to \(link)")
    }
  }

  @Test func `the read-me stays short`() throws {
    let lines = try Repository.text("README.md").split(
      separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count <= 121)
  }

  @Test func `the documents that others rely on exist`() {
    let needed = [
      "README.md", "docs/ARCHITECTURE.md", "docs/CLI.md", "docs/ENGINE.md", "docs/FORMAT.md",
      "docs/PROTOCOL.md",
    ]
    for path in needed { #expect(Self.documents.contains(path), "\(path)") }
  }

  /// The lines outside code blocks.
  static func proseLines(_ text: String) -> [Substring] {
    var isCode = false
    return text.split(separator: "\n").filter { line in
      if line.trimmingPrefix(/\s*/).hasPrefix("```") {
        isCode.toggle()
        return false
      }
      return !isCode
    }
  }

  private static func resolve(_ link: String, from folder: String) -> String {
    var parts = link.hasPrefix("/") ? [] : folder.split(separator: "/").map(String.init)
    for part in link.split(separator: "/") {
      switch part {
      case ".": continue
      case "..": _ = parts.popLast()
      default: parts.append(String(part))
      }
    }
    return parts.joined(separator: "/")
  }

  /// The names under which a document's headings can be linked to.
  private static func anchors(in text: String) -> Set<String> {
    let headings = proseLines(text).filter { $0.hasPrefix("#") }
    return Set(
      headings.map { heading in
        let title = heading.drop { $0 == "#" || $0 == " " }.lowercased()
        return String(title.filter { $0.isLetter || $0.isNumber || " -_".contains($0) })
          .replacingOccurrences(of: " ", with: "-")
      })
  }
}
