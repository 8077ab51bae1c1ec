// SPDX-License-Identifier: Apache-2.0

import Testing

/// export, and list, which prints the same records.
@Suite struct ExportTests {
  /// Every kind of value and key, at the edges.
  static let edges = [
    #"{"_key":-9223372036854775808,"a":[-9223372036854775808,18446744073709551615,0,-0.0,0.0]}"#,
    #"{"_key":0,"a":1.7976931348623157e+308,"b":5e-324,"c":0.1,"d":1.0,"e":1e+100}"#,
    #"{"_key":9223372036854775807,"":null,"_Key":true,"true":false}"#,
    #"{"_key":"","empty":{"a":{},"b":[]}}"#,
    #"{"_key":"\u0000\t\n\"\\/é😀\u007f","text":"\u0000 \u001f \u2028 ﷽ \\u0000"}"#,
    #"{"_key":"a","bytes":{"$bytes":"AAECAw=="},"plain":{"$map":{"$bytes":"AA=="}},"s":{"$":1}}"#,
    #"{"_key":"z","nested":[[[{"a":[{}]}]]]}"#,
  ]

  @Test func `exporting and importing again is exact`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init", "--store", "a.store")
      try await workspace.succeed("init", "--store", "b.store")
      let input = Self.edges.filter { !$0.hasPrefix(#"{"_key":"","#) }.joined(separator: "\n")
      try await workspace.succeed(
        "import", "-", "--format", "jsonl", "--collection", "c", "--store", "a.store", input: input)
      let uuid = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
      try await workspace.succeed(
        "put", "c", uuid, "{}", "--key-type", "uuid", "--store", "a.store")
      let text = try await workspace.succeed("export", "c", "--store", "a.store").text
      try workspace.write(text, to: "c.jsonl")
      try await workspace.succeed("import", "c.jsonl", "--collection", "c", "--store", "b.store")
      #expect(try await workspace.succeed("export", "c", "--store", "b.store").text == text)
      #expect(text.split(separator: "\n").count == Self.edges.count)
    }
  }

  @Test(arguments: ["jsonl", "json", "csv"])
  func `every format is read back exactly`(format: String) async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init", "--store", "a.store")
      try await workspace.succeed("init", "--store", "b.store")
      try await workspace.succeed(
        "import", Fixture.countries, "--collection", "c", "--key", "alpha2", "--store", "a.store")
      try await workspace.succeed(
        "export", "c", "--format", format, "-o", "c.\(format)", "--store", "a.store")
      try await workspace.succeed(
        "import", "c.\(format)", "--collection", "c", "--store", "b.store")
      #expect(try await workspace.export("a.store") == workspace.export("b.store"))
    }
  }

  @Test func `the whole store is exported and imported by collection`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init", "--store", "a.store")
      try await workspace.succeed("init", "--store", "b.store")
      try await workspace.succeed("put", "b", "x", #"{"n":1}"#, "--store", "a.store")
      try await workspace.succeed("put", "a", "x", #"{"n":2}"#, "--store", "a.store")
      let text = try await workspace.export("a.store")
      #expect(text.split(separator: "\n").count == 2)
      let again = try await workspace.export("a.store")
      #expect(text == again)
    }
  }

  @Test func `list filters, limits and takes a prefix`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try await workspace.succeed(
        "import", Fixture.countries, "--collection", "c", "--key", "alpha2")
      #expect(try await workspace.succeed("list", "c", "--limit", "3").lines.count == 3)
      #expect(try await workspace.succeed("list", "c", "--limit", "0").lines.isEmpty)
      let nordic = try await workspace.succeed("list", "c", "--prefix", "N").lines
      #expect(nordic.count == 12 && nordic.allSatisfy { $0.hasPrefix(#"{"_key":"N"#) })
      let norway = try await workspace.succeed("list", "c", "--where", "numeric=578").lines
      #expect(norway.count == 1 && norway[0].contains("Norway"))
      #expect(try await workspace.succeed("list", "c", "--where", "name=Nowhere").lines.isEmpty)
      try await workspace.fail(2, "list", "c", "--where", "name", message: "field=value")
      try await workspace.fail(2, "list", "c", "--limit", "-1")
    }
  }

  @Test func `where compares numbers, booleans and null as JSON spells them`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try await workspace.succeed(
        "import", "-", "--format", "jsonl", "--collection", "c",
        input: """
          {"_key":1,"v":7}
          {"_key":2,"v":"7"}
          {"_key":3,"v":true}
          {"_key":4,"v":null}
          {"_key":5,"v":7.5}
          """)
      let expected = [("7", [1, 2]), ("true", [3]), ("null", [4]), ("7.5", [5]), ("8", [])]
      for (value, keys) in expected {
        let lines = try await workspace.succeed("list", "c", "--where", "v=\(value)").lines
        #expect(lines.compactMap { $0.dropFirst(8).first?.wholeNumberValue } == keys, "\(value)")
      }
    }
  }

  @Test func `an output file appears complete or not at all`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try await workspace.succeed("put", "a", "x", "{}")
      try await workspace.succeed("export", "-o", "a.jsonl")
      #expect(try workspace.text(of: "a.jsonl").contains("x"))
      #expect(!workspace.exists("a.jsonl.partial"))
      try await workspace.fail(4, "export", "-o", "no/such/folder", message: "no/such/folder")
    }
  }

  @Test func `a collection that has nothing is told, since its name may be misspelt`() async throws
  {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try await workspace.succeed("put", "boats", "a", "{}")
      for command in ["list", "export"] {
        let typo = try await workspace.succeed(command, "boat")
        #expect(typo.text.isEmpty)
        #expect(typo.errors.contains("records.store has no records in 'boat'"))
        #expect(try await workspace.succeed(command, "boats").errors.isEmpty)
      }
      #expect(try await workspace.succeed("export", "boat", "--quiet").errors.isEmpty)
    }
  }

  @Test(arguments: [("x.csv", "_key,n\n"), ("x.JSON", "[\n"), ("x.jsonl", "{"), ("csv", "{")])
  func `the format of an export is that of the file's name`(name: String, start: String)
    async throws
  {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try await workspace.succeed("put", "a", "x", #"{"n":1}"#)
      try await workspace.succeed("export", "a", "-o", name)
      #expect(try workspace.text(of: name).hasPrefix(start))
      try await workspace.succeed("export", "a", "-o", name, "--format", "jsonl")
      #expect(try workspace.text(of: name) == #"{"_key":"x","n":1}"# + "\n")
    }
  }

  @Test func `list prints CSV as export does`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      let uuid = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
      try await workspace.succeed("put", "a", uuid, #"{"empty":""}"#, "--key-type", "uuid")
      try await workspace.succeed(
        "import", "-", "--format", "jsonl", "--collection", "a",
        input: Self.edges.joined(separator: "\n"))
      let exported = try await workspace.succeed("export", "a", "--format", "csv")
      let listed = try await workspace.succeed("list", "a", "--output", "csv")
      #expect(
        listed.text.replacing("\r\n", with: "\n") == exported.text.replacing("\r\n", with: "\n"))
    }
  }

  @Test func `an output never takes the place of the store, nor of another file`() async throws {
    try await Workspace.with { workspace in
      try await workspace.storeWithHistory("records.store")
      try await workspace.succeed("init", "--store", "other.store")
      let before = try await workspace.export("records.store")
      for command in [["export"], ["journal", "export"]] {
        for target in ["./records.store", "other.store"] {
          let outcome = try await workspace.start(command + ["-o", target]).outcome()
          #expect(outcome.status == 1 && outcome.errors.contains("is a store"))
        }
      }
      #expect(try await workspace.export("records.store") == before)
      try workspace.write("mine", to: "a.jsonl.partial")
      try await workspace.succeed("export", "-o", "a.jsonl")
      #expect(try workspace.text(of: "a.jsonl.partial") == "mine")
    }
  }
}
