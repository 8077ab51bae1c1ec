// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// The scenarios of persistent-kv, each of which has a test that names it, or a line in the guide that
/// says why not.
struct ScenarioListTests {
  private static let count = 99

  @Test
  func `every scenario has a test, or a reason in the guide`() throws {
    var found: Set<Int> = []
    let folder = "Tests/DurableMemoryTests/Map"
    for file in try FileManager.default.contentsOfDirectory(atPath: SourceTree.path(folder)) {
      let text = try SourceTree.text("\(folder)/\(file)")
      for test in text.matches(of: /func\s+`[^`]*\(((?:K[0-9]+(?:, )?)+)\)`/) {
        found.formUnion(Self.numbers(test.1))
      }
    }
    // A scan that sees nothing would find only what the guide excuses.
    #expect(found.count > 60)
    let guide = try SourceTree.text("docs/DURABLE-MAP.md")
    for line in guide.split(separator: "\n") where line.hasPrefix("| K") {
      found.formUnion(Self.numbers(line.dropFirst().prefix { $0 != "|" }))
    }
    #expect(found == Set(1...Self.count), "\(Set(1...Self.count).subtracting(found).sorted())")
  }

  /// The numbers of "K1, K5–K7".
  private static func numbers(_ text: Substring) -> [Int] {
    text.matches(of: /K([0-9]+)(?:–K([0-9]+))?/).flatMap { match in
      let first = Int(match.1) ?? 0
      return Array(first...max(first, match.2.flatMap { Int($0) } ?? first))
    }
  }
}
