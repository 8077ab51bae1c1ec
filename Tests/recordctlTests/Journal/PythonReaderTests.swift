// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The reader in Python, written from docs/FORMAT.md alone, against the one in Swift.
@Suite struct PythonReaderTests {
  @Test func `both readers list the same transactions`() async throws {
    try await Workspace.with { workspace in
      try await workspace.storeWithHistory("a.store")
      try await workspace.succeed(
        "import", "-", "--format", "jsonl", "--collection", "edges", "--store", "a.store",
        input: ExportTests.edges.joined(separator: "\n"))
      try await workspace.succeed("journal", "export", "-o", "a.journal", "--store", "a.store")
      let swift = try await workspace.succeed(
        "journal", "inspect", "a.journal", "--output", "jsonl")
      let reader = try RunningTool(
        "/usr/bin/env",
        ["python3", Fixture.path("Tests/python/journal_reader.py"), workspace.path("a.journal")],
        in: workspace.folder)
      let python = try await reader.outcome()
      try #require(python.status == 0, "\(python.errors)")
      let (one, two) = try (swift.canonicalJSON(), python.canonicalJSON())
      #expect(one == two)
      #expect(one.count > 1000)
    }
  }
}

extension Tool.Outcome {
  /// The output's JSON lines with their members sorted, so that only what it says is compared.
  fileprivate func canonicalJSON() throws -> String {
    try output.split(separator: UInt8(ascii: "\n")).map { line in
      let parsed = try JSONSerialization.jsonObject(with: line)
      let data = try JSONSerialization.data(withJSONObject: parsed, options: .sortedKeys)
      return String(decoding: data, as: UTF8.self)
    }.joined(separator: "\n")
  }
}
