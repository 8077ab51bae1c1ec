// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// Files that are no stores, or damaged ones: a message with file and place, and exit code 10.
@Suite struct BadInputTests {
  static let strangers: [(String, [UInt8])] = [
    ("empty", []), ("one byte", [0]), ("text", Array("this is no store\n".utf8)),
    ("zeros", [UInt8](repeating: 0, count: 1 << 20)),
    ("SQLite", Array("SQLite format 3\u{0}".utf8) + [UInt8](repeating: 1, count: 8192)),
  ]

  @Test(arguments: strangers.indices)
  func `a file that is no store is told and left alone`(index: Int) async throws {
    try await Workspace.with { workspace in
      let (_, bytes) = Self.strangers[index]
      try workspace.write(bytes, to: "damaged.store")
      for command in [["status"], ["check"], ["put", "a", "b", "{}"], ["export"], ["serve"]] {
        let outcome = try await workspace.start(command + ["--store", "damaged.store"]).outcome()
        #expect(outcome.status == 10, "\(command): \(outcome.errors)")
        #expect(outcome.errors.contains("damaged.store"), "\(outcome.errors)")
      }
      #expect(try workspace.bytes(of: "damaged.store") == bytes)
    }
  }

  @Test func `a store of a later format is told from a damaged one`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init", "--store", "damaged.store")
      let store = DiskImage(try workspace.bytes(of: "damaged.store"))
      var forgery = Forgery(store, blocks: [0, 4096])
      for block in [UInt64(0), 4096] { forgery.change(block) { $0[4] = 2 } }
      try workspace.write(
        forgery.image.bytes(Int(store.length), at: 0), to: "damaged.store")
      try await workspace.fail(
        6, "status", "--store", "damaged.store", message: "try: a newer recordctl")
    }
  }

  @Test(arguments: ["<&-", ">&-", "<&- >&-", "<&- >&- 2>&-"])
  func `where standard input or output is closed, no file takes its place`(
    closed: String
  ) async throws {
    try await Workspace.with { workspace in
      try await workspace.storeWithHistory("a.store")
      let before = try await workspace.export("a.store")
      let commands = [
        "import - --format jsonl --collection c --key k", "info", "export", "check",
      ]
      for command in commands where closed.contains(">") || command.hasPrefix("import") {
        let shell = try RunningTool(
          "/bin/sh", ["-c", "'\(Tool.path)' \(command) --store a.store \(closed)"],
          in: workspace.folder)
        let outcome = try await shell.outcome()
        #expect(outcome.status == 1 && !outcome.wasKilled, "\(command): \(outcome.errors)")
        if !closed.contains("2") {
          #expect(outcome.errors.contains("standard "), "\(command): \(outcome.errors)")
        }
      }
      #expect(try await workspace.export("a.store") == before)
    }
  }

  @Test func `a directory is no store and no input`() async throws {
    try await Workspace.with { workspace in
      try await workspace.fail(10, "status", "--store", ".", message: ".")
      try await workspace.succeed("init")
      try await workspace.fail(
        1, "import", ".", "--format", "csv", "--collection", "a", "--key", "k", message: "directory"
      )
      try await workspace.fail(1, "init", "--store", ".")
      try await workspace.fail(4, "init", "--store", "no/such/folder/a.store")
    }
  }

  @Test func `a store cut short or with a flipped bit is opened whole or refused with its place`()
    async throws
  {
    try await Workspace.with { workspace in
      try await workspace.storeWithHistory("a.store")
      let whole = try workspace.bytes(of: "a.store")
      let export = try await workspace.export("a.store")
      var generator = SplitMix64(seed: TestEnvironment.seed)
      var refused = 0
      for round in 0..<60 {
        var damaged = whole
        if round % 3 == 0 {
          damaged.removeLast(Int.random(in: 1...damaged.count, using: &generator))
        } else {
          let bit = Int.random(in: 0..<damaged.count * 8, using: &generator)
          damaged[bit / 8] ^= 1 << UInt8(bit % 8)
        }
        try workspace.write(damaged, to: "damaged.store")
        let outcome = try await workspace.start(["export", "--store", "damaged.store"]).outcome()
        #expect(!outcome.wasKilled && [0, 10].contains(outcome.status), "\(outcome.errors)")
        if outcome.status == 0 {
          // The bit is in space that holds nothing now.
          #expect(outcome.text == export)
        } else {
          refused += 1
          #expect(outcome.errors.contains("damaged.store"), "\(outcome.errors)")
        }
      }
      #expect(refused >= 20)
    }
  }

  static let unpermitted: [[String]] = [
    ["status", "--store", "secret"], ["check", "--store", "secret"],
    ["import", "secret", "--format", "csv", "--collection", "a"],
    ["journal", "verify", "secret"], ["journal", "replay", "secret"],
    ["snapshot", "verify", "secret"], ["snapshot", "restore", "secret", "--store", "b.store"],
    ["serve", "--token-file", "secret"],
    ["init", "--store", "closed/a.store"], ["export", "-o", "closed/secret"],
    ["snapshot", "create", "closed/secret"], ["journal", "export", "-o", "closed/secret"],
  ]

  @Test(arguments: unpermitted)
  func `a missing permission is told, with the name of the file`(command: [String]) async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try workspace.write("", to: "secret")
      let files = FileManager.default
      try files.createDirectory(
        atPath: workspace.path("closed"), withIntermediateDirectories: false,
        attributes: [.posixPermissions: 0o500])
      try files.setAttributes([.posixPermissions: 0], ofItemAtPath: workspace.path("secret"))
      let outcome = try await runUnprivileged(command, in: workspace)
      #expect(outcome.status == 1 && !outcome.wasKilled, "\(outcome.status) \(outcome.errors)")
      #expect(outcome.errors.contains("Permission denied"), "\(outcome.errors)")
      let name = command.contains { $0.hasPrefix("closed/") } ? "closed/" : "secret"
      #expect(outcome.errors.contains(name), "\(outcome.errors)")
      #expect(outcome.output.isEmpty)
    }
  }

  /// Runs the tool without what lets root do everything.
  private func runUnprivileged(
    _ command: [String], in workspace: Workspace
  ) async throws -> Tool.Outcome {
    let tool =
      getuid() == 0
      ? ["setpriv", "--bounding-set=-all", "--inh-caps=-all", Tool.path] : [Tool.path]
    return try await RunningTool("/usr/bin/env", tool + command, in: workspace.folder).outcome()
  }

  @Test func `a store that may only be read is read, and not written`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try await workspace.succeed("put", "a", "x", "{}")
      let before = try workspace.bytes(of: "records.store")
      try FileManager.default.setAttributes(
        [.posixPermissions: 0o444], ofItemAtPath: workspace.path("records.store"))
      for command in [
        ["get", "a", "x"], ["list", "a"], ["export"], ["status"], ["info"], ["check"],
        ["journal", "export"], ["snapshot", "create", "a.snapshot"],
      ] {
        let outcome = try await runUnprivileged(command, in: workspace)
        #expect(outcome.status == 0, "\(command): \(outcome.errors)")
      }
      let refused = try await runUnprivileged(["put", "a", "y", "{}"], in: workspace)
      #expect(refused.status == 1 && refused.errors.contains("Permission denied"))
      #expect(try workspace.bytes(of: "records.store") == before)
    }
  }

  /// Arguments that are wrong in ways a shell lets through.
  static let oddArguments: [[String]] = [
    ["put", "", "x", "{}"], ["put", String(repeating: "c", count: 5000), "x", "{}"],
    ["get", "a", String(repeating: "k", count: 100_000)],
    ["put", "a", "x", String(repeating: "[", count: 100_000)],
    ["put", "a", "x", "{\"\u{FFFD}\":\"\u{0}\"}"],
    ["list", "a", "--limit", "99999999999999999999999"],
    ["journal", "export", "--since", String(repeating: "f", count: 100_000)],
    ["import", "a\u{1B}[2J", "--collection", "a", "--format", "csv"],
    ["sync", "\u{1B}"], ["sync", String(repeating: "h", count: 10_000)],
    ["serve", "--listen", "[::1"], ["serve", "--listen", "127.0.0.1:99999"],
    ["list", "a", "--where", "="],
    ["list", "a", "--where", "x=" + String(repeating: "9", count: 400)],
  ]

  @Test(arguments: oddArguments.indices)
  func `odd arguments are answered and never end in a crash`(index: Int) async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      let outcome = try await workspace.start(Self.oddArguments[index]).outcome()
      #expect(!outcome.wasKilled, "\(outcome.errors)")
      #expect([0, 1, 2, 4].contains(outcome.status), "\(outcome.status): \(outcome.errors)")
    }
  }
}
