// SPDX-License-Identifier: Apache-2.0

import DurableMemory
import Foundation
import StorageEngine
import Testing

/// memory: the maps and prevalent systems beside the records.
@Suite struct MemoryTests {
  @Test func `memory shows maps and systems, their entries and their commands`() async throws {
    try await Workspace.with { workspace in
      try await workspace.storeWithHistory("a.store")
      try workspace.change("a.store") { try fillMemory($0) }
      let run = try await workspace.succeed(
        "memory", "list", "--store", "a.store", "--output", "json")
      let list = try #require(
        try JSONSerialization.jsonObject(with: run.output) as? [String: [[String: Any]]])
      #expect(list["maps"]?.map { $0["name"] as? String } == ["blobs", "scores"])
      #expect(list["maps"]?.map { $0["entries"] as? Int } == [2, 2])
      #expect(list["maps"]?.map { $0["keyType"] as? String } == ["uint64", "string"])
      #expect(list["systems"]?.map { $0["name"] as? String } == ["main"])
      #expect(list["systems"]?.map { $0["lastCommand"] as? Int } == [2])

      let score = try await workspace.succeed("memory", "get", "scores", "né", "--store", "a.store")
      #expect(score.text.contains("\"value\": -7"))
      let dump = try await workspace.succeed("memory", "dump", "scores", "--store", "a.store")
      #expect(dump.lines == [#"{"key":"anna","value":12}"#, #"{"key":"né","value":-7}"#])
      let blobs = try await workspace.succeed("memory", "dump", "blobs", "--store", "a.store")
      #expect(blobs.lines.first == #"{"key":1,"value":{"$bytes":"AQID"}}"#)
      #expect(blobs.lines.last?.count ?? 0 > 200_000)
      let commands = try await workspace.succeed("memory", "dump", "main", "--store", "a.store")
      #expect(commands.lines.count == 2)
      #expect(commands.lines.allSatisfy { $0.contains(#""command":"Increase""#) })
      let command = try await workspace.succeed("memory", "get", "main", "2", "--store", "a.store")
      #expect(command.text.contains("\"number\": 2"))
    }
  }

  @Test(arguments: [
    (["get", "scores", "otto"], 4, "no key otto"), (["get", "blobs", "x"], 2, "no key of type"),
    (["get", "main", "9"], 4, "no command 9"), (["get", "main", "x"], 2, "no number"),
    (["dump", "nothing"], 4, "neither a map nor a system"),
  ])
  func `memory says what is not there`(
    _ arguments: [String], _ status: Int32, _ words: String
  ) async throws {
    try await Workspace.with { workspace in
      try await workspace.storeWithHistory("a.store")
      try workspace.change("a.store") { try fillMemory($0) }
      let outcome = try await workspace.start(
        ["memory"] + arguments + ["--store", "a.store"]
      ).outcome()
      #expect(outcome.status == status)
      #expect(outcome.errors.contains(words))
      #expect(outcome.output.isEmpty)
    }
  }

  @Test func `memory changes no byte of the store`() async throws {
    try await Workspace.with { workspace in
      try await workspace.storeWithHistory("a.store")
      try workspace.change("a.store") { try fillMemory($0) }
      let before = try workspace.bytes(of: "a.store")
      try await workspace.succeed("memory", "list", "--store", "a.store")
      try await workspace.succeed("memory", "dump", "blobs", "--store", "a.store")
      #expect(try workspace.bytes(of: "a.store") == before)
    }
  }
}
