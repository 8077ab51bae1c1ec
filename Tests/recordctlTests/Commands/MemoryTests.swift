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
      try workspace.change("a.store") { try fill($0) }
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
      try workspace.change("a.store") { try fill($0) }
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
      try workspace.change("a.store") { try fill($0) }
      let before = try workspace.bytes(of: "a.store")
      try await workspace.succeed("memory", "list", "--store", "a.store")
      try await workspace.succeed("memory", "dump", "blobs", "--store", "a.store")
      #expect(try workspace.bytes(of: "a.store") == before)
    }
  }
}

private struct Increase: Command, Codable {
  func execute(on model: inout Int, in context: inout CommandContext) -> Int {
    model += 1
    return model
  }
}

private func fill(_ database: Database) throws {
  let scores = try DurableMap<String, Int>(named: "scores", in: database)
  try scores.set("né", -7)
  try scores.set("anna", 12)
  scores.close()
  let blobs = try DurableMap<UInt64, [UInt8]>(named: "blobs", in: database)
  try blobs.set(1, [1, 2, 3])
  try blobs.set(2, [UInt8](repeating: 9, count: 200_000))
  blobs.close()
  var registry = CommandRegistry<Int>()
  registry.register(Increase.self)
  let system = try PrevalentSystem.open(
    in: database, registry, options: PrevalentOptions<Int>()
  ) { 0 }
  for _ in 0..<2 { _ = try system.execute(Increase()) }
  try system.close()
}
