// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// bench.
@Suite struct BenchTests {
  @Test func `bench measures the rows asked for in a folder of its own, and leaves nothing`()
    async throws
  {
    try await Workspace.with { workspace in
      let run = try await workspace.succeed(
        "bench", "--folder", workspace.folder.path, "--records", "1000", "--rows", "W7,W16",
        "--output", "json")
      let report = try #require(
        try JSONSerialization.jsonObject(with: run.output) as? [String: Any])
      #expect((report["flushFloorSeconds"] as? Double ?? 0) > 0)
      let rows = try #require(report["rows"] as? [[String: Any]])
      #expect(rows.map { $0["row"] as? String } == ["W16", "W7", "W16, at the end"])
      #expect(rows.allSatisfy { ($0["value"] as? Double ?? 0) > 0 })
      let text = try await workspace.succeed("bench", "--records", "1000", "--rows", "W7").text
      #expect(text.contains("flush floor"))
      #expect(text.contains("random gets, hot, 1 thread"))
      let left = try FileManager.default.contentsOfDirectory(atPath: workspace.folder.path)
      #expect(!left.contains { $0.hasPrefix("bench-") }, "\(left)")
    }
  }

  @Test(arguments: [
    (["--rows", "W99"], "there is no row 'W99'"), (["--rows", ","], "--rows is empty"),
    (["--records", "7"], "--records is a number"),
    (["--folder", ""], "--folder is empty"),
  ])
  func `bench refuses what it cannot measure`(_ arguments: [String], _ message: String)
    async throws
  {
    try await Workspace.with { workspace in
      let run = try await workspace.start(["bench"] + arguments).outcome()
      #expect(run.status == 2)
      #expect(run.errors.contains(message), "\(run.errors)")
    }
  }

  @Test func `bench says when there is no such folder`() async throws {
    try await Workspace.with { workspace in
      try await workspace.fail(4, "bench", "--folder", "nowhere", message: "nowhere/bench-")
      try workspace.write("a file", to: "file")
      try await workspace.fail(1, "bench", "--folder", "file", message: "Not a directory")
    }
  }
}
