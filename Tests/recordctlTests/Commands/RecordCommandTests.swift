// SPDX-License-Identifier: Apache-2.0

import Testing

/// init, put, get, delete: one record at a time.
@Suite struct RecordCommandTests {
  @Test func `a new store is at most 4 MiB and an existing target is never replaced`() async throws
  {
    try await Workspace.with { workspace in
      try await workspace.succeed("init", "--store", "a.store")
      #expect(try workspace.bytes(of: "a.store").count <= 4 << 20)
      try await workspace.fail(1, "init", "--store", "a.store", message: "exists")
      try workspace.write("precious", to: "note")
      try await workspace.fail(1, "init", "--store", "note", message: "exists")
      #expect(try workspace.text(of: "note") == "precious")
    }
  }

  @Test func `what is put is got back with its key first`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try await workspace.succeed("put", "people", "ada", #"{"name":"Ada","born":1815}"#)
      let outcome = try await workspace.succeed("get", "people", "ada", "--output", "jsonl")
      #expect(outcome.text == #"{"_key":"ada","born":1815,"name":"Ada"}"# + "\n")
    }
  }

  @Test func `put reads the record from standard input`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try await workspace.succeed("put", "people", "ada", "-", input: "{\n \"a\": [1, 2]\n}\n")
      let outcome = try await workspace.succeed("get", "people", "ada", "--output", "jsonl")
      #expect(outcome.text == #"{"_key":"ada","a":[1,2]}"# + "\n")
    }
  }

  @Test func `put replaces: a field that was seen and is absent is removed`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try await workspace.succeed("put", "people", "ada", #"{"name":"Ada","born":1815}"#)
      try await workspace.succeed("put", "people", "ada", #"{"name":"Ada","died":1852}"#)
      let outcome = try await workspace.succeed("get", "people", "ada", "--output", "jsonl")
      #expect(outcome.text == #"{"_key":"ada","died":1852,"name":"Ada"}"# + "\n")
    }
  }

  @Test func `a value equal to the stored one writes nothing`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try await workspace.succeed("put", "people", "ada", #"{"name":"Ada"}"#)
      let before = try await workspace.position(of: "records.store")
      try await workspace.succeed("put", "people", "ada", #"{"name": "Ada"}"#)
      #expect(try await workspace.position(of: "records.store") == before)
    }
  }

  @Test func `a record that is deleted or never was is not found`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try await workspace.fail(4, "get", "people", "ada", message: "ada")
      try await workspace.fail(4, "delete", "people", "ada", message: "ada")
      try await workspace.succeed("put", "people", "ada", "{}")
      #expect(try await workspace.get("people", "ada") == #"{"_key":"ada"}"#)
      try await workspace.succeed("delete", "people", "ada")
      try await workspace.fail(4, "get", "people", "ada")
      try await workspace.fail(4, "get", "nobody", "ada")
    }
  }

  @Test(
    arguments: [
      ("[1]", "object"), ("{", ""), (#"{"a":1,"a":2}"#, "a"), (#"{"a":1e999}"#, ""), ("", ""),
      (#"{"a":18446744073709551616000}"#, ""), (#"{"a":NaN}"#, ""), (#"{"a":"\ud800"}"#, ""),
      (#"{"a":1} x"#, ""),
    ])
  func `a record that is no JSON object is refused`(json: String, message: String) async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      let status: Int32 = json.hasSuffix("000}") ? 0 : 1
      try await workspace.fail(status, "put", "people", "ada", json, message: message)
    }
  }

  @Test func `a missing store is not found and not created`() async throws {
    try await Workspace.with { workspace in
      let commands = [
        ["put", "a", "b", "{}"], ["get", "a", "b"], ["delete", "a", "b"], ["list", "a"],
        ["import", "-", "--format", "jsonl", "--collection", "a"], ["export"], ["status"],
        ["info"], ["check"], ["snapshot", "create", "s"], ["journal", "export"],
        ["journal", "replay", "j"], ["serve"], ["sync", "127.0.0.1:1"],
      ]
      for command in commands {
        let outcome = try await workspace.start(command + ["--store", "no.store"]).outcome()
        #expect(outcome.status == 4, "\(command): \(outcome.errors)")
        #expect(outcome.errors.contains("no.store"), "\(command): \(outcome.errors)")
      }
      #expect(!workspace.exists("no.store"))
    }
  }

  @Test func `put takes back what was printed, and refuses what says it is another record`()
    async throws
  {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      let uuid = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
      try await workspace.succeed("put", "a", uuid, #"{"n":1}"#, "--key-type", "uuid")
      let printed = try await workspace.get("a", uuid)
      try await workspace.succeed("put", "a", uuid, printed)
      #expect(try await workspace.succeed("export", "a").lines == [printed])
      let position = try await workspace.position(of: "records.store")
      try await workspace.fail(1, "put", "a", "y", #"{"_key":"x"}"#, message: #"_key is "x""#)
      try await workspace.fail(1, "put", "a", "7", #"{"_key":7}"#, message: "_key is 7")
      try await workspace.fail(
        1, "put", "a", "x", #"{"_key":"x","_collection":"b"}"#, message: #"_collection is "b""#)
      #expect(try await workspace.position(of: "records.store") == position)
    }
  }
}

/// How a KEY on the command line names a record.
@Suite struct KeyTests {
  @Test func `a new record gets a text key unless told otherwise`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try await workspace.succeed("put", "a", "7", "{}")
      #expect(try await workspace.get("a", "7") == #"{"_key":"7"}"#)
      try await workspace.succeed("put", "b", "7", "{}", "--key-type", "integer")
      #expect(try await workspace.get("b", "7") == #"{"_key":7}"#)
      let uuid = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
      try await workspace.succeed("put", "c", uuid, "{}", "--key-type", "uuid")
      #expect(try await workspace.get("c", uuid).contains(uuid))
    }
  }

  @Test func `where only an integer key of that spelling exists it is meant`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try await workspace.succeed("put", "a", "7", #"{"n":1}"#, "--key-type", "integer")
      try await workspace.succeed("put", "a", "7", #"{"n":2}"#)
      #expect(try await workspace.get("a", "7") == #"{"_key":7,"n":2}"#)
      try await workspace.succeed("put", "a", "7", #"{"n":3}"#, "--key-type", "text")
      #expect(try await workspace.get("a", "7") == #"{"_key":"7","n":3}"#)
      try await workspace.succeed("delete", "a", "7")
      #expect(try await workspace.get("a", "7") == #"{"_key":7,"n":2}"#)
      try await workspace.fail(4, "get", "a", "07")
    }
  }

  @Test func `keys are in order: integers, texts by bytes, UUIDs`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      let uuid = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
      try await workspace.succeed("put", "a", uuid, "{}", "--key-type", "uuid")
      for key in ["b", "é", "B", "a", "10"] { try await workspace.succeed("put", "a", key, "{}") }
      for key in ["10", "9", "-1"] {
        try await workspace.succeed("put", "a", "--key-type", "integer", "--", key, "{}")
      }
      let lines = try await workspace.succeed("list", "a", "--output", "jsonl").lines
      let keys = ["-1", "9", "10", #""10""#, #""B""#, #""a""#, #""b""#, #""é""#]
      #expect(Array(lines.dropLast()) == keys.map { #"{"_key":\#($0)}"# })
      #expect(lines.last?.contains(uuid) == true)
    }
  }

  @Test func `a key that is empty, too long or not of its type is a usage error`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try await workspace.fail(2, "put", "a", "x", "{}", "--key-type", "integer", message: "x")
      try await workspace.fail(2, "put", "a", "x", "{}", "--key-type", "uuid", message: "x")
      try await workspace.fail(2, "put", "a", String(repeating: "k", count: 901), "{}")
      try await workspace.succeed("put", "a", String(repeating: "k", count: 900), "{}")
    }
  }
}
