// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// journal export, inspect, replay, verify.
@Suite struct JournalTests {
  @Test func `a journal replayed on an empty store gives equal bytes, and again changes nothing`()
    async throws
  {
    try await Workspace.with { workspace in
      try await workspace.storeWithHistory("a.store")
      try await workspace.succeed("journal", "export", "-o", "a.journal", "--store", "a.store")
      try await workspace.succeed("init", "--store", "b.store")
      try await workspace.succeed("journal", "replay", "a.journal", "--store", "b.store")
      #expect(try await workspace.export("a.store") == workspace.export("b.store"))
      let before = try await workspace.positions("a.store", "b.store")
      #expect(before[0] == before[1])
      let again = try await workspace.succeed(
        "journal", "replay", "a.journal", "--store", "b.store", "--output", "json"
      ).object()
      #expect(again["applied"] as? Int == 0 && again["known"] as? Int ?? 0 > 0, "\(again)")
      #expect(try await workspace.positions("a.store", "b.store") == before)
    }
  }

  @Test func `a journal since a position holds only what came after it`() async throws {
    try await Workspace.with { workspace in
      try await workspace.storeWithHistory("a.store")
      try await workspace.succeed("journal", "export", "-o", "first", "--store", "a.store")
      let position = try await workspace.position(of: "a.store")
      try await workspace.succeed("put", "late", "x", "{}", "--store", "a.store")
      try await workspace.succeed(
        "journal", "export", "--since", position, "-o", "second", "--store", "a.store")
      let lines = try await workspace.succeed(
        "journal", "inspect", "second", "--output", "jsonl"
      ).lines
      #expect(lines.count == 1 && lines[0].contains("late"))
      try await workspace.succeed("init", "--store", "b.store")
      try await workspace.fail(1, "journal", "replay", "second", "--store", "b.store")
      try await workspace.succeed("journal", "replay", "first", "--store", "b.store")
      try await workspace.succeed("journal", "replay", "second", "--store", "b.store")
      #expect(try await workspace.export("a.store") == workspace.export("b.store"))
      try await workspace.fail(
        2, "journal", "export", "--since", "yesterday", "--store", "a.store", message: "yesterday")
    }
  }

  @Test func `a journal passes through pipes`() async throws {
    try await Workspace.with { workspace in
      try await workspace.storeWithHistory("a.store")
      try await workspace.succeed("init", "--store", "b.store")
      let shell = try RunningTool(
        "/bin/bash",
        [
          "-o", "pipefail", "-c",
          "\"$0\" journal export --store a.store | \"$0\" journal replay - --store b.store",
          Tool.path,
        ], in: workspace.folder)
      #expect(try await shell.outcome().status == 0)
      #expect(try await workspace.export("a.store") == workspace.export("b.store"))
    }
  }

  @Test func `every flipped bit and every cut is refused and no part of a transaction applied`()
    async throws
  {
    try await Workspace.with { workspace in
      try await workspace.succeed("init", "--store", "a.store")
      for number in 0..<3 {
        try await workspace.succeed(
          "put", "c", "\(number)", #"{"n":\#(number)}"#, "--store", "a.store")
      }
      try await workspace.succeed("journal", "export", "-o", "a.journal", "--store", "a.store")
      let whole = try workspace.bytes(of: "a.journal")
      var generator = SplitMix64(seed: TestEnvironment.seed)
      // The reader's own tests flip every bit; here it is the way of the error to the exit code.
      for _ in 0..<40 {
        var damaged = whole
        let bit = Int.random(in: 0..<damaged.count * 8, using: &generator)
        damaged[bit / 8] ^= 1 << UInt8(bit % 8)
        try workspace.write(damaged, to: "damaged.journal")
        try await workspace.fail(10, "journal", "verify", "damaged.journal", message: "damaged")
      }
      for length in stride(from: 0, to: whole.count, by: max(1, whole.count / 40)) {
        try workspace.write(Array(whole[..<length]), to: "damaged.journal")
        try await workspace.fail(10, "journal", "verify", "damaged.journal", message: "damaged")
      }
      try workspace.write(whole + [0], to: "damaged.journal")
      try await workspace.fail(10, "journal", "verify", "damaged.journal")
    }
  }

  @Test func `what was verified before the damage is applied whole, and nothing after it`()
    async throws
  {
    try await Workspace.with { workspace in
      try await workspace.storeWithHistory("a.store")
      try await workspace.succeed("journal", "export", "-o", "a.journal", "--store", "a.store")
      let whole = try workspace.bytes(of: "a.journal")
      for quarter in 1...3 {
        var damaged = whole
        damaged[whole.count * quarter / 4] ^= 0x10
        try workspace.write(damaged, to: "damaged.journal")
        let store = "b\(quarter).store"
        try await workspace.succeed("init", "--store", store)
        try await workspace.fail(10, "journal", "replay", "damaged.journal", "--store", store)
        try await workspace.succeed("journal", "replay", "a.journal", "--store", store)
        #expect(try await workspace.export("a.store") == workspace.export(store))
      }
    }
  }

  @Test(arguments: ["", "this is no journal\n", "SQLite format 3\u{0}", "{}"])
  func `a file that is no journal is told`(content: String) async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try workspace.write(content, to: "file")
      for command in ["verify", "inspect", "replay"] {
        try await workspace.fail(10, "journal", command, "file", message: "file")
      }
      try await workspace.fail(4, "journal", "verify", "none", message: "none")
      try await workspace.fail(1, "journal", "verify", ".")
    }
  }

  @Test(arguments: ["verify", "inspect", "replay"])
  func `an operation of a later version asks for a newer recordctl`(command: String) async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try workspace.writeLaterJournal(to: "later.journal")
      try await workspace.fail(
        6, "journal", command, "later.journal", message: "a newer recordctl")
    }
  }

  @Test func `another data set is refused, and joined by adopt`() async throws {
    try await Workspace.with { workspace in
      try await workspace.storeWithHistory("a.store")
      try await workspace.succeed("journal", "export", "-o", "a.journal", "--store", "a.store")
      try await workspace.succeed("init", "--store", "b.store")
      try await workspace.succeed("put", "own", "x", "{}", "--store", "b.store")
      try await workspace.fail(
        7, "journal", "replay", "a.journal", "--store", "b.store", message: "--adopt")
      try await workspace.succeed("journal", "replay", "a.journal", "--adopt", "--store", "b.store")
    }
  }
}
