// SPDX-License-Identifier: Apache-2.0

import Testing

/// import: what it takes, what it refuses, and what a failure leaves behind.
@Suite struct ImportTests {
  @Test func `importing the same file twice makes no new transaction`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      for _ in 0..<2 {
        try await workspace.succeed(
          "import", Fixture.countries, "--collection", "countries", "--key", "alpha2")
      }
      let first = try await workspace.position(of: "records.store")
      try await workspace.succeed(
        "import", Fixture.countries, "--collection", "countries", "--key", "alpha2")
      #expect(try await workspace.position(of: "records.store") == first)
      let lines = try await workspace.succeed("list", "countries", "--output", "jsonl").lines
      #expect(lines.count == 249)
      #expect(
        lines.first
          == #"{"_key":"AD","alpha2":"AD","alpha3":"AND","name":"Andorra","numeric":"020"}"#)
    }
  }

  @Test func `without another name the key is the member _key and no field`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try await workspace.succeed(
        "import", "-", "--format", "jsonl", "--collection", "a",
        input: #"{"_key":"x","n":1}"# + "\n" + #"{"n":2,"_key":5}"#)
      #expect(try await workspace.get("a", "x") == #"{"_key":"x","n":1}"#)
      #expect(try await workspace.get("a", "5") == #"{"_key":5,"n":2}"#)
      try await workspace.fail(
        1, "import", "-", "--format", "jsonl", "--collection", "a", message: "line 1",
        input: #"{"n":3}"#)
    }
  }

  @Test func `the last of several rows with one key wins`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try await workspace.succeed(
        "import", "-", "--format", "csv", "--collection", "a", "--key", "k",
        input: "k,a,b\nx,1,2\ny,0,0\nx,3,\n")
      #expect(try await workspace.get("a", "x") == #"{"_key":"x","a":"3","k":"x"}"#)
    }
  }

  @Test func `CSV cells are text and an empty cell is absent`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try await workspace.succeed(
        "import", "-", "--format", "csv", "--collection", "a", "--key", "k",
        input: "k,a,b\r\nx,007,\r\n\"y\",\"q\"\"uo,te\r\nd\",true\r\n")
      #expect(try await workspace.get("a", "x") == #"{"_key":"x","a":"007","k":"x"}"#)
      #expect(
        try await workspace.get("a", "y") == #"{"_key":"y","a":"q\"uo,te\r\nd","b":"true","k":"y"}"#
      )
    }
  }

  @Test func `CSV without a header takes its columns and delimiter from options`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try await workspace.succeed(
        "import", "-", "--format", "csv", "--collection", "a", "--columns", "k,a,b",
        "--delimiter", ";", "--key", "k", input: "x;1,5;2\n")
      #expect(try await workspace.get("a", "x") == #"{"_key":"x","a":"1,5","b":"2","k":"x"}"#)
    }
  }

  @Test func `an array inside a JSON document is found by its path`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try workspace.write(
        #"{"about":[1],"3166-1":[{"c":"AW","n":{"a":[true,null]}},{"c":"AF"}]}"#, to: "a.json")
      try await workspace.succeed(
        "import", "a.json", "--collection", "a", "--path", "3166-1", "--key", "c")
      #expect(
        try await workspace.get("a", "AW") == #"{"_key":"AW","c":"AW","n":{"a":[true,null]}}"#)
      try await workspace.fail(
        1, "import", "a.json", "--collection", "a", "--path", "none", "--key", "c", message: "none")
    }
  }

  @Test func `the format follows the extension and standard input needs it named`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try workspace.write(#"{"_key":"x"}"#, to: "a.data")
      try await workspace.fail(2, "import", "a.data", "--collection", "a", message: "--format")
      try await workspace.fail(2, "import", "-", "--collection", "a", message: "--format")
      try await workspace.succeed("import", "a.data", "--collection", "a", "--format", "jsonl")
      try workspace.write(#"{"_key":"y"}"#, to: "a.jsonl")
      try await workspace.succeed("import", "a.jsonl", "--collection", "a")
      try await workspace.fail(4, "import", "no.jsonl", "--collection", "a", message: "no.jsonl")
    }
  }

  /// Input, its format, and what the message must name.
  static let malformed: [(String, String, String)] = [
    ("csv", "k,a\nx,1\ny,1,2\n", "line 3"),
    ("csv", "k,a\nx,1\n\"y,2\n", "line 3"),
    ("csv", "k,a\nx,1\ny,\"2\"3\n", "line 3"),
    ("csv", "k,k\nx,1\n", "line 1"),
    ("csv", "a,b\nx,1\n", "k"),
    ("csv", "k,a\n,1\n", "line 2"),
    ("csv", "k,a\nx,\u{FFFF}\n\u{0}", "line 3"),
    ("jsonl", "{\"k\":\"x\"}\n\n{\"k\":\"y\"\n", "line 3"),
    ("jsonl", "{\"k\":\"x\"}\n{\"k\":\"y\",\"a\":1,\"a\":1}\n", "line 2"),
    ("jsonl", "{\"k\":\"x\"}\n[1]\n", "line 2"),
    ("jsonl", "{\"k\":\"x\"}\n{\"k\":true}\n", "line 2"),
    ("jsonl", "{\"k\":\"x\"}\n{\"k\":1.5}\n", "line 2"),
    ("jsonl", "{\"k\":\"x\"}\n{\"k\":9223372036854775808}\n", "line 2"),
    ("jsonl", "{\"k\":\"x\"}\n{\"k\":\"y\",\"a\":1e400}\n", "line 2"),
    ("jsonl", "{\"k\":\"x\"}\n{\"k\":\"y\",\"a\":Infinity}\n", "line 2"),
    ("json", "[{\"k\":\"x\"},\n{\"k\":\"y\"},\n1]", "line 3"),
    ("json", "[{\"k\":\"x\"},\n{\"k\":\"y\"}\n", "line"),
    ("json", "{\"k\":\"x\"}", ""),
    ("json", "", ""),
  ]

  @Test(arguments: malformed)
  func `malformed input is refused with its line and all or nothing stays`(
    format: String, input: String, message: String
  ) async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      let before = try await workspace.position(of: "records.store")
      try await workspace.fail(
        1, "import", "-", "--format", format, "--collection", "a", "--key", "k", "--atomic",
        message: message, input: input)
      #expect(try await workspace.position(of: "records.store") == before)
    }
  }

  @Test func `depth 128 is taken and 129 refused`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      for (depth, status) in [(128, Int32(0)), (129, 1), (100_000, 1)] {
        // The record itself is the first level.
        let nested =
          String(repeating: "[", count: depth - 1) + String(repeating: "]", count: depth - 1)
        try await workspace.fail(
          status, "import", "-", "--format", "jsonl", "--collection", "a",
          input: #"{"_key":"x","a":\#(nested)}"#)
      }
    }
  }

  @Test func `a failure tells the last committed line, and what was committed stays`() async throws
  {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      let good = (1...25).map { #"{"_key":\#($0)}"# }
      try await workspace.fail(
        1, "import", "-", "--format", "jsonl", "--collection", "a", "--batch", "10",
        message: "line 20", input: (good + ["{"]).joined(separator: "\n"))
      #expect(try await workspace.succeed("list", "a", "--output", "jsonl").lines.count == 20)
      try await workspace.fail(
        1, "import", "-", "--format", "jsonl", "--collection", "b", "--atomic",
        message: "line 26", input: (good + ["{"]).joined(separator: "\n"))
      #expect(try await workspace.succeed("list", "b", "--output", "jsonl").lines.isEmpty)
    }
  }

  @Test func `options that contradict each other are usage errors`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      let wrong = [
        ["--batch", "10", "--atomic"], ["--batch", "0"], ["--batch", "x"],
        ["--delimiter", ";;"], ["--delimiter", "\""], ["--format", "xml"], ["--path", "a"],
        ["--key", ""],
      ]
      for options in wrong {
        let outcome = try await workspace.start(
          ["import", Fixture.countries, "--collection", "a"] + options
        ).outcome()
        #expect(outcome.status == 2, "\(options): \(outcome.errors)")
      }
      try await workspace.fail(2, "import", Fixture.countries, message: "--collection")
    }
  }
}
