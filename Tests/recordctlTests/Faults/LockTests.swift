// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Two processes and one store; a process that is stopped.
@Suite struct LockTests {
  @Test
  func `a second process is told who holds the store and the first goes on`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      // It waits for its standard input with the store open.
      let input = try HeldInput(in: workspace)
      let holder = try workspace.startImport(from: input)
      try await input.write(#"{"_key":1}"# + "\n")
      let outcome = try await workspace.fail(5, "put", "a", "x", "{}", message: "held open")
      #expect(outcome.errors.contains("process \(holder.processIdentifier)"), "\(outcome.errors)")
      try input.end()
      #expect(try await holder.outcome().status == 0)
      #expect(try await workspace.get("a", "1") == #"{"_key":1}"#)
    }
  }

  @Test func `many processes at once lose nothing that they acknowledged`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      let outcomes = try await withThrowingTaskGroup(of: (Int, Int32).self) { group in
        for number in 0..<24 {
          group.addTask {
            (number, try await workspace.run("put", "a", "\(number)", "{}").status)
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(outcomes.allSatisfy { [0, 5].contains($0.1) }, "\(outcomes)")
      let lines = Set(try await workspace.succeed("list", "a", "--output", "jsonl").lines)
      #expect(lines == Set(outcomes.filter { $0.1 == 0 }.map { #"{"_key":"\#($0.0)"}"# }))
    }
  }

  @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
  func `an interrupted import is 130, keeps whole batches and is completed by another`(
    signal: Int32
  ) async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try workspace.writeRows(2000, to: "rows.jsonl")
      // Its input does not end, so that the signal never comes too late.
      let input = try HeldInput(in: workspace)
      let tool = try workspace.startImport(from: input, "--batch", "100", "--progress", "always")
      let rows = try workspace.text(of: "rows.jsonl").split(separator: "\n")
      try await input.write(rows.prefix(1050).joined(separator: "\n") + "\n")
      // What is committed is told when the next batch is read.
      for start in stride(from: 1050, to: 1550, by: 100) {
        try await Task.sleep(for: .milliseconds(100))
        try await input.write(rows[start..<start + 100].joined(separator: "\n") + "\n")
      }
      try await tool.awaitErrors(containing: "import: ")
      tool.send(signal: signal)
      let outcome = try await tool.outcome()
      #expect(outcome.status == 130 && !outcome.wasKilled, "\(outcome.errors)")
      let count = try await workspace.succeed("list", "a", "--output", "jsonl").lines.count
      #expect(count > 0 && count <= 1500 && count % 100 == 0, "\(count)")
      try input.end()
      try await workspace.succeed("import", "rows.jsonl", "--collection", "a")
      #expect(try await workspace.succeed("export", "a").text == workspace.text(of: "rows.jsonl"))
    }
  }

  @Test func `an import that waits for input is interrupted too`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      let input = try HeldInput(in: workspace)
      let tool = try workspace.startImport(from: input)
      try await input.write(#"{"_key":1}"# + "\n")
      tool.send(signal: SIGINT)
      #expect(try await tool.outcome().status == 130)
      try input.end()
    }
  }
}

extension Workspace {
  /// Starts an import that reads until the input ends.
  func startImport(from input: HeldInput, _ options: String...) throws -> RunningTool {
    try RunningTool(
      Tool.path, ["import", "-", "--format", "jsonl", "--collection", "a"] + options,
      input: input.reading, in: folder)
  }

  /// Writes so many records as lines of JSON, as they are exported, in key order.
  func writeRows(_ count: Int, to name: String) throws {
    let filling = String(repeating: "x", count: 40)
    let rows = (0..<count).map { #"{"_key":\#($0),"n":\#($0 % 7),"text":"\#(filling)"}"# + "\n" }
    try write(rows.joined(), to: name)
  }
}
