// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// doctor: what can be read of a damaged store, in a new one.
@Suite struct DoctorTests {
  private static let pageBytes = 8192

  private func doctor(
    _ store: String, into copy: String, _ workspace: Workspace
  ) async throws -> Tool.Outcome {
    try await workspace.run(
      "doctor", "--store", store, "--into", copy, "--output", "json", "--quiet")
  }

  @Test func `a whole store is copied whole`() async throws {
    try await Workspace.with { workspace in
      try await workspace.storeWithHistory("a.store")
      let outcome = try await doctor("a.store", into: "b.store", workspace)
      #expect(outcome.status == 0, "\(outcome.errors)")
      let report = try outcome.object()
      #expect(report["store"] as? String == "a.store" && report["into"] as? String == "b.store")
      #expect(report["complete"] as? Bool == true && report["records"] as? String == "copied")
      #expect((report["losses"] as? [Any])?.isEmpty == true)
      #expect(try await workspace.export("a.store") == workspace.export("b.store"))
    }
  }

  /// Damages one page after the other, until the journal was lost in part, and the records were.
  @Test func `of a damaged store it says what was lost, and exits with 10 if it is missing`()
    async throws
  {
    try await Workspace.with { workspace in
      try await workspace.storeWithHistory("a.store")
      let whole = try workspace.bytes(of: "a.store")
      let export = try await workspace.export("a.store")
      var seen: Set<String> = []
      for page in 1..<whole.count / Self.pageBytes where seen.count < 3 {
        let place = page * Self.pageBytes
        guard whole[place..<place + Self.pageBytes].contains(where: { $0 != 0 }) else { continue }
        var damaged = whole
        damaged[place + Self.pageBytes / 2] ^= 0x55
        try workspace.write(damaged, to: "damaged.store")
        let outcome = try await doctor("damaged.store", into: "copy-\(page)", workspace)
        let report = try outcome.object()
        let records = try #require(report["records"] as? String)
        seen.insert(records)
        let losses = try #require(report["losses"] as? [[String: Any]])
        #expect(losses.isEmpty == (records == "copied"), "page \(page)")
        for loss in losses {
          #expect((loss["damage"] as? String)?.contains("damaged.store") == true, "\(loss)")
        }
        let isComplete = try #require(report["complete"] as? Bool)
        #expect(outcome.status == (isComplete ? 0 : 10), "page \(page): \(outcome.errors)")
        #expect(outcome.errors.contains("could not be read") == !isComplete, "\(outcome.errors)")
        try await workspace.succeed("check", "--store", "copy-\(page)")
        #expect(try await workspace.export("copy-\(page)") == export || !isComplete, "page \(page)")
        #expect(try workspace.bytes(of: "damaged.store") == damaged)
      }
      #expect(seen == ["copied", "replayed", "collected"])
    }
  }

  @Test func `what is missing counts, also where nobody reads the report`() async throws {
    try await Workspace.with { workspace in
      try await workspace.storeWithHistory("a.store")
      var damaged = try workspace.bytes(of: "a.store")
      // In every page, and in neither superblock.
      let places = stride(
        from: 8192 + Self.pageBytes / 2, to: damaged.count, by: Self.pageBytes)
      for place in places { damaged[place] ^= 0x55 }
      try workspace.write(damaged, to: "damaged.store")
      let script = "(sleep 0.2; \"$0\" \"$@\"; echo $? > status) | true; sleep 0.1"
      let command = ["doctor", "--store", "damaged.store", "--into", "copy", "--quiet"]
      let shell = try RunningTool(
        "/bin/bash", ["-c", script, Tool.path] + command, in: workspace.folder)
      _ = try await shell.outcome()
      for _ in 0..<500 where !workspace.exists("status") {
        try await Task.sleep(for: .milliseconds(10))
      }
      #expect(try workspace.text(of: "status") == "10\n")
      #expect(workspace.exists("copy"))
    }
  }

  @Test func `what is no store gives no copy, and a file that is there is left alone`() async throws
  {
    try await Workspace.with { workspace in
      try workspace.write("this is no store", to: "damaged.store")
      try await workspace.fail(
        10, "doctor", "--store", "damaged.store", "--into", "b", message: "damaged.store")
      #expect(!workspace.exists("b"))
      try await workspace.fail(4, "doctor", "--store", "missing", "--into", "b", message: "missing")
      try await workspace.succeed("init", "--store", "a.store")
      try workspace.write("precious", to: "b")
      try await workspace.fail(1, "doctor", "--store", "a.store", "--into", "b", message: "b")
      #expect(try workspace.text(of: "b") == "precious")
      try await workspace.fail(2, "doctor", "--store", "a.store", message: "--into")
    }
  }
}
