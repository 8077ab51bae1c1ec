// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// What goes where, in which form.
@Suite struct OutputTests {
  @Test func `data goes to standard output and everything else to standard error`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      let put = try await workspace.succeed("put", "a", "x", "{}", "--quiet")
      #expect(put.text.isEmpty && put.errors.isEmpty)
      let get = try await workspace.succeed("get", "a", "x", "--quiet", "--output", "jsonl")
      #expect(get.text == "{\"_key\":\"x\"}\n" && get.errors.isEmpty)
      let missing = try await workspace.fail(4, "get", "a", "y")
      #expect(missing.text.isEmpty)
      #expect(missing.errors.hasPrefix("recordctl: ") && missing.errors.contains("\n  try: "))
    }
  }

  @Test func `every command has every format`() async throws {
    try await Workspace.with { workspace in
      try await workspace.storeWithHistory("records.store")
      try await workspace.succeed("journal", "export", "-o", "journal")
      let commands = [
        ["get", "countries", "NO"], ["list", "countries", "--limit", "3"], ["status"], ["info"],
        ["check"], ["journal", "inspect", "journal"], ["journal", "verify", "journal"],
        ["put", "a", "x", "{}"], ["delete", "a", "x"], ["compact"], ["recover"],
        ["doctor", "--into"],
      ]
      for command in commands {
        for format in ["text", "table", "json", "jsonl", "csv"] {
          if command[0] == "delete" { try await workspace.succeed("put", "a", "x", "{}") }
          let copy = command[0] == "doctor" ? ["\(format).store"] : []
          let outcome = try await workspace.start(
            command + copy + ["--output", format]
          ).outcome()
          #expect(outcome.status == 0 && !outcome.text.isEmpty, "\(command) \(format)")
          switch format {
          case "json": _ = try JSONSerialization.jsonObject(with: outcome.output)
          case "jsonl":
            for line in outcome.lines {
              _ = try JSONSerialization.jsonObject(with: Data(line.utf8))
            }
          default: break
          }
        }
      }
      try await workspace.fail(2, "status", "--output", "xml", message: "xml")
    }
  }

  @Test func `a store that does not open is reported in the format asked for`() async throws {
    try await Workspace.with { workspace in
      try workspace.write([UInt8](repeating: 7, count: 1 << 20), to: "damaged.store")
      let outcome = try await workspace.fail(
        10, "check", "--store", "damaged.store", "--output", "json")
      let report = try outcome.object()
      #expect(report["intact"] as? Bool == false)
      #expect((report["faults"] as? [String])?.count == 1)
    }
  }

  @Test func `help on a command that does not exist is refused`() async throws {
    try await Workspace.with { workspace in
      try await workspace.fail(2, "help", "bogus", message: "bogus")
      try await workspace.fail(2, "help", "journal", "bogus", message: "bogus")
      #expect(try await workspace.succeed("help", "journal", "verify").text.contains("verify"))
    }
  }

  @Test func `a number below zero that was taken for an option is explained`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try await workspace.fail(2, "put", "a", "-7", "{}", message: "try: '--' before '-7'")
      try await workspace.succeed("put", "a", "--key-type", "integer", "--", "-7", "{}")
      #expect(try await workspace.succeed("list", "a").lines == [#"{"_key":-7}"#])
    }
  }

  @Test(arguments: [4, 16])
  func `too few open files are told, and fewer than are allowed are raised`(
    limit: Int
  ) async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      for command in ["status", "sync 127.0.0.1:1"] {
        for (kind, status) in [("-n", 1), ("-S -n", command == "status" ? 0 : 15)] {
          let shell = try RunningTool(
            "/bin/bash", ["-c", "ulimit \(kind) \(limit) && exec \"$0\" \(command)", Tool.path],
            in: workspace.folder)
          let outcome = try await shell.outcome()
          #expect(outcome.status == status && !outcome.wasKilled, "\(command): \(outcome.errors)")
          let isTold = outcome.errors.contains("files may be open")
          #expect(isTold == (status == 1), "\(outcome.errors)")
        }
      }
    }
  }

  @Test func `what holds all data is for its owner's eyes`() async throws {
    try await Workspace.with { workspace in
      try await workspace.storeWithHistory("records.store")
      try await workspace.succeed("journal", "export", "-o", "journal")
      try await workspace.succeed("snapshot", "create", "snapshot")
      for name in ["records.store", "journal", "snapshot"] {
        let attributes = try FileManager.default.attributesOfItem(atPath: workspace.path(name))
        #expect(attributes[.posixPermissions] as? Int == 0o600, "\(name)")
      }
    }
  }

  @Test func `a table aligns its columns`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try await workspace.succeed("put", "a", "x", #"{"n":1,"long":"word"}"#)
      try await workspace.succeed("put", "a", "yyy", #"{"n":22}"#)
      let lines = try await workspace.succeed("list", "a", "--output", "table").lines
      #expect(lines == ["_key  long  n", "----  ----  --", "x     word  1", "yyy         22"])
    }
  }

  @Test func `what a terminal would obey is shown as an escape`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      let evil = #"{"a":"\u001b[31mred\u0007\r\n\u009b2J\u202e"}"#
      try await workspace.succeed("put", "c", "\u{1B}[2J", evil)
      let commands = [["get", "c", "\u{1B}[2J"], ["list", "c"]]
      for command in commands {
        for format in ["text", "table", "json", "jsonl"] {
          let text = try await workspace.start(command + ["--output", format]).outcome().text
          let controls = text.unicodeScalars.filter {
            ($0.value < 32 && $0 != "\n") || $0 == "\u{7F}"
          }
          #expect(controls.isEmpty, "\(command) \(format): \(text.debugDescription)")
        }
      }
      let missing = try await workspace.fail(4, "get", "c", "\u{1B}]0;title\u{7}")
      #expect(!missing.errors.unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\u{7}" })
    }
  }

  @Test func `a reader that goes away is no failure and no message`() async throws {
    try await Workspace.with { workspace in
      try await workspace.storeWithHistory("records.store")
      for command in ["list countries", "export", "journal export"] {
        let shell = try RunningTool(
          "/bin/bash",
          ["-c", "\"$0\" \(command) | head -c 10; echo \"${PIPESTATUS[0]}\" >&2", Tool.path],
          in: workspace.folder)
        let outcome = try await shell.outcome()
        #expect(outcome.errors == "0\n", "\(command): \(outcome.errors)")
      }
    }
  }

  @Test func `a full device is told as a full disk`() async throws {
    try await Workspace.with { workspace in
      try await workspace.storeWithHistory("records.store")
      for command in ["list countries", "export -o /dev/full", "export", "get countries NO"] {
        let redirection = command.contains("-o") ? "" : "> /dev/full"
        let shell = try RunningTool(
          "/bin/bash", ["-c", "\"$0\" \(command) \(redirection)", Tool.path], in: workspace.folder)
        let outcome = try await shell.outcome()
        #expect(outcome.status == 14, "\(command): \(outcome.errors)")
      }
    }
  }

  @Test func `help and version are data and mistakes are usage errors`() async throws {
    try await Workspace.with { workspace in
      for arguments in [
        ["--help"], ["help"], ["help", "import"], ["put", "--help"], ["--version"],
      ] {
        let outcome = try await workspace.start(arguments).outcome()
        #expect(outcome.status == 0 && !outcome.text.isEmpty, "\(arguments)")
        #expect(outcome.errors.isEmpty, "\(arguments)")
      }
      let mistakes = [
        [], ["nonsense"], ["put"], ["put", "a", "b"], ["put", "a", "b", "{}", "c"],
        ["get", "--no"],
        ["status", "--store"], ["status", "--store", ""], ["status", "--quiet", "--verbose"],
        ["journal"], ["journal", "nonsense"], ["snapshot"], ["status", "--progress", "sometimes"],
      ]
      for arguments in mistakes {
        let outcome = try await workspace.start(arguments).outcome()
        #expect(outcome.status == 2, "\(arguments): \(outcome.status)")
        #expect(outcome.text.isEmpty && outcome.errors.hasPrefix("recordctl: "), "\(arguments)")
      }
    }
  }

  @Test func `help lists the exit codes as the documentation does`() async throws {
    try await Workspace.with { workspace in
      let help = try await workspace.succeed("help").text
      let document = try String(
        contentsOf: URL(filePath: Fixture.path("docs/CLI.md")), encoding: .utf8)
      let rows = document.matches(of: /(?m)^\| ([0-9]+) \| ([^|]+) \|/)
      #expect(rows.count > 10)
      for row in rows { #expect(help.contains("  \(row.1)  \(row.2)\n"), "\(row.0)") }
    }
  }

  @Test(arguments: [(["list", "a"], 0), (["status"], 0), (["journal", "export"], 1)])
  func `a reader that goes away ends a listing well, and a copy not`(
    command: [String], status: Int
  ) async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try await workspace.succeed("put", "a", "x", "{}")
      let script = "(sleep 0.2; \"$0\" \"$@\"; echo $? > status) | true; sleep 0.1"
      let shell = try RunningTool(
        "/bin/bash", ["-c", script, Tool.path] + command, in: workspace.folder)
      _ = try await shell.outcome()
      for _ in 0..<500 where !workspace.exists("status") {
        try await Task.sleep(for: .milliseconds(10))
      }
      #expect(try workspace.text(of: "status") == "\(status)\n")
    }
  }
}

/// Variables of the environment stand for options.
@Suite struct EnvironmentTests {
  @Test func `the store is named by option, else variable, else it is records.store`() async throws
  {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try await workspace.succeed("init", environment: ["RECORDCTL_STORE": "b.store"])
      try await workspace.succeed(
        "init", "--store", "c.store", environment: ["RECORDCTL_STORE": "b.store"])
      for name in ["records.store", "b.store", "c.store"] { #expect(workspace.exists(name)) }
    }
  }

  @Test func `every option has a variable and the command line comes first`() async throws {
    try await Workspace.with { workspace in
      try await workspace.storeWithHistory("records.store")
      let limited = ["RECORDCTL_LIMIT": "2", "RECORDCTL_OUTPUT": "csv"]
      #expect(
        try await workspace.succeed("list", "countries", environment: limited).lines.count == 3)
      let chosen = try await workspace.succeed(
        "list", "countries", "--limit=1", "--output", "jsonl", environment: limited)
      #expect(chosen.lines.count == 1)
      let quiet = try await workspace.succeed(
        "put", "a", "x", "{}", environment: ["RECORDCTL_QUIET": "1"])
      #expect(quiet.text.isEmpty)
      let loud = try await workspace.succeed(
        "put", "a", "x", "{}", "--verbose", environment: ["RECORDCTL_QUIET": "1"])
      #expect(!loud.text.isEmpty && loud.errors.contains("put: store"))
      try await workspace.succeed(
        "import", Fixture.countries,
        environment: ["RECORDCTL_COLLECTION": "c", "RECORDCTL_KEY": "alpha2"])
      try await workspace.succeed(
        "import", Fixture.countries, "--collection", "c", "--atomic",
        environment: ["RECORDCTL_BATCH": "7", "RECORDCTL_KEY": "alpha2"])
      try await workspace.fail(2, "list", "countries", environment: ["RECORDCTL_LIMIT": "x"])
      try await workspace.fail(2, "status", environment: ["RECORDCTL_QUIET": "maybe"])
      try await workspace.succeed("status", environment: ["RECORDCTL_NONSENSE": "x"])
    }
  }
}
