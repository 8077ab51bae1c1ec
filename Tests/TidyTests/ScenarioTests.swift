// SPDX-License-Identifier: Apache-2.0

import Testing

/// The scenarios of the Rust engine Persy, each of which has a test named after it.
@Suite struct ScenarioTests {
  private static let count = 74

  @Test func `every scenario of Persy has a test`() throws {
    var found: Set<Int> = []
    for path in SourceTests.sources where path.hasPrefix("Tests/StorageEngineTests/") {
      for match in try Repository.text(path).matches(of: /func\s+`Persy ([0-9]+):/) {
        if let number = Int(match.1) { found.insert(number) }
      }
    }
    #expect(found == Set(1...Self.count))
  }
}
