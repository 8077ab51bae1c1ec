// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// kill -9 at random moments.
///
/// Nothing that was acknowledged may be lost, and the store must open.
///
/// RECORD_STORE_CRASH_ROUNDS sets the number of rounds of all tests together; 200 by default.
@Suite(.serialized) struct CrashTests {
  static let rounds: Int = {
    let given = ProcessInfo.processInfo.environment["RECORD_STORE_CRASH_ROUNDS"]
    return given.flatMap { Int($0) } ?? 200
  }()

  private static let rowCount = 4000
  private static let batch = 100

  /// Import: each line `import: N records` tells that N records are committed.
  @Test func `a killed import keeps every acknowledged batch, whole`() async throws {
    try await Workspace.with { workspace in
      var generator = SplitMix64(seed: TestEnvironment.seed)
      try workspace.writeRows(Self.rowCount, to: "rows.jsonl")
      let rows = try workspace.text(of: "rows.jsonl").split(separator: "\n").map { $0 + "\n" }
      for round in 0..<(Self.rounds * 2 / 5) {
        let store = "import\(round).store"
        try await workspace.succeed("init", "--store", store)
        let tool = try workspace.start(Self.importCommand(store))
        try await tool.awaitErrors(containing: "import: ")
        try await Task.sleep(for: .microseconds(Int.random(in: 0...40_000, using: &generator)))
        let acknowledged = Self.acknowledged(tool.errors)
        tool.send(signal: SIGKILL)
        _ = try await tool.outcome()
        let kept = try await workspace.succeed("export", "a", "--store", store).text
        let count = kept.split(separator: "\n").count
        #expect(count >= acknowledged && count % Self.batch == 0, "round \(round): \(count)")
        #expect(kept == rows[..<count].joined(), "round \(round)")
        try await workspace.finish(store)
      }
    }
  }

  /// Closing a store folds its log into its pages: the checkpoint begins with the last commit.
  @Test func `a process killed while it checkpoints keeps everything`() async throws {
    try await Workspace.with { workspace in
      var generator = SplitMix64(seed: TestEnvironment.seed)
      try workspace.writeRows(Self.rowCount, to: "rows.jsonl")
      let rows = try workspace.text(of: "rows.jsonl")
      for round in 0..<(Self.rounds * 3 / 10) {
        let store = "checkpoint\(round).store"
        try await workspace.succeed("init", "--store", store)
        let tool = try workspace.start(Self.importCommand(store))
        try await tool.awaitErrors(containing: "import: \(Self.rowCount) ")
        try await Task.sleep(for: .microseconds(Int.random(in: 0...8000, using: &generator)))
        tool.send(signal: SIGKILL)
        _ = try await tool.outcome()
        #expect(
          try await workspace.succeed("export", "a", "--store", store).text == rows,
          "round \(round)")
        try await workspace.finish(store)
      }
    }
  }

  /// Sync: one side is killed; the next sync goes on and both end equal.
  @Test func `a sync whose one side is killed leaves both stores whole`() async throws {
    try await Workspace.with { workspace in
      var generator = SplitMix64(seed: TestEnvironment.seed)
      try workspace.writeRows(Self.rowCount, to: "rows.jsonl")
      try await workspace.succeed("init", "--store", "full.store")
      try await workspace.run(importCommand: Self.importCommand("full.store"))
      let rows = try await workspace.export("full.store")
      for round in 0..<(Self.rounds * 3 / 10) {
        try workspace.copy("full.store", to: "source.store")
        try await workspace.succeed("init", "--store", "target.store")
        let server = try await workspace.serve("source.store")
        let client = try workspace.start([
          "sync", server.peer, "--store", "target.store",
        ])
        try await Task.sleep(for: .microseconds(Int.random(in: 0...120_000, using: &generator)))
        let victim = Bool.random(using: &generator) ? server.tool : client
        victim.send(signal: SIGKILL)
        _ = try await client.outcome()
        server.tool.send(signal: SIGKILL)
        _ = try await server.tool.outcome()
        let part = try await workspace.succeed("export", "a", "--store", "target.store").lines.count
        #expect(part % Self.batch == 0, "round \(round)")
        #expect(try await workspace.sync("target.store", with: "source.store").status == 0)
        #expect(try await workspace.export("target.store") == rows, "round \(round)")
        for store in ["source.store", "target.store"] { try await workspace.finish(store) }
      }
    }
  }

  private static func importCommand(_ store: String) -> [String] {
    [
      "import", "rows.jsonl", "--collection", "a", "--batch", "\(batch)", "--progress", "always",
      "--store", store,
    ]
  }

  /// The last number of records that was reported as committed.
  private static func acknowledged(_ errors: String) -> Int {
    let numbers = errors.matches(of: /import: ([0-9]+) records\n/).map { Int($0.1) ?? 0 }
    return numbers.last ?? 0
  }
}

extension Workspace {
  /// Checks a store and removes it.
  fileprivate func finish(
    _ store: String, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    try await succeed("check", "--store", store, "--quiet", sourceLocation: sourceLocation)
    try FileManager.default.removeItem(atPath: path(store))
  }

  fileprivate func copy(_ name: String, to copy: String) throws {
    try FileManager.default.copyItem(atPath: path(name), toPath: path(copy))
  }

  fileprivate func run(importCommand: [String]) async throws {
    #expect(try await start(importCommand).outcome().status == 0)
  }
}
