// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// serve: how it starts, whom it refuses, how it ends.
@Suite struct ServeTests {
  @Test func `off loopback it does not start without token and TLS`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try await workspace.fail(7, "serve", "--listen", "0.0.0.0:0", message: "token")
      try workspace.write(String(repeating: "t", count: 32), to: "token")
      try await workspace.fail(
        7, "serve", "--listen", "0.0.0.0:0", "--token-file", "token", message: "ertificate")
    }
  }

  @Test func `a listening address that is none or taken is told`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try await workspace.succeed("init", "--store", "other.store")
      try await workspace.fail(2, "serve", "--listen", "127.0.0.1:port")
      try await workspace.serving("records.store") { server in
        try await workspace.fail(
          1, "serve", "--store", "other.store", "--listen", "127.0.0.1:\(server.port)",
          message: "\(server.port)")
      }
    }
  }

  @Test func `where it listens is printed for programs in the format asked for`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      let tool = try workspace.start([
        "serve", "--listen", "127.0.0.1:0", "--output", "json",
      ])
      try await tool.awaitErrors(containing: "serving")
      tool.send(signal: SIGTERM)
      let outcome = try await tool.outcome()
      let url = try #require(outcome.object()["url"] as? String)
      #expect(outcome.errors.contains(url))
    }
  }

  @Test func `a token is asked for on loopback where one is set`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init", "--store", "a.store")
      try await workspace.succeed("init", "--store", "b.store")
      try workspace.write(String(repeating: "t", count: 32) + "\n", to: "token")
      try workspace.write(String(repeating: "w", count: 32), to: "wrong")
      try workspace.write("short", to: "short")
      try await workspace.serving("a.store", "--token-file", "token") { server in
        let sync = ["sync", server.peer, "--store", "b.store"]
        for (options, status) in [
          ([], Int32(7)), (["--token-file", "wrong"], 7), (["--token-file", "short"], 2),
          (["--token-file", "none"], 4), (["--token-file", "token"], 0),
        ] {
          let outcome = try await workspace.start(sync + options).outcome()
          #expect(outcome.status == status, "\(options): \(outcome.errors)")
        }
      }
    }
  }

  @Test func `with TLS a peer whose certificate is trusted is spoken to and no other`() async throws
  {
    try await Workspace.with { workspace in
      try workspace.makeCertificate("server.pem", key: "server.key")
      try workspace.makeCertificate("other.pem", key: "other.key")
      try workspace.write(String(repeating: "t", count: 32), to: "token")
      try await workspace.succeed("init", "--store", "a.store")
      try await workspace.succeed("put", "p", "x", "{}", "--store", "a.store")
      try await workspace.succeed("init", "--store", "b.store")
      let options = [
        "--token-file", "token", "--tls-certificate", "server.pem", "--tls-key", "server.key",
      ]
      let server = try await workspace.serve("a.store", options)
      let sync = [
        "sync", "https://localhost:\(server.port)", "--store", "b.store", "--token-file", "token",
      ]
      for (options, succeeds) in [
        ([], false), (["--ca", "other.pem"], false), (["--ca", "server.pem"], true),
      ] {
        let outcome = try await workspace.start(sync + options).outcome()
        #expect((outcome.status == 0) == succeeds, "\(options): \(outcome.errors)")
        if !succeeds { #expect([7, 15].contains(outcome.status), "\(outcome.errors)") }
      }
      try await server.stop()
    }
  }

  @Test(arguments: [("Host", "evil.example"), ("Origin", "http://evil.example")])
  func `a foreign Host or Origin header is refused on loopback`(
    name: String, value: String
  ) async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try await workspace.serving("records.store") { server in
        let host = name == "Host" ? value : "127.0.0.1:\(server.port)"
        var head = "GET /v1/hello HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n"
        if name != "Host" { head += "\(name): \(value)\r\n" }
        let answer = try await workspace.exchange(head + "\r\n", port: server.port)
        #expect(answer.hasPrefix("HTTP/1.1 403"), "\(answer)")
      }
    }
  }

  @Test func `it ends soon after SIGTERM without loss`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init", "--store", "a.store")
      try await workspace.succeed("init", "--store", "b.store")
      let rows = (0..<20_000).map {
        #"{"_key":\#($0),"text":"\#(String(repeating: "x", count: 50))"}"#
      }
      try await workspace.succeed(
        "import", "-", "--format", "jsonl", "--collection", "c", "--batch", "500", "--store",
        "b.store", input: rows.joined(separator: "\n"))
      let server = try await workspace.serve("a.store")
      let client = try workspace.start(["sync", server.peer, "--store", "b.store"])
      try await Task.sleep(for: .milliseconds(150))
      let start = ContinuousClock.now
      try await server.stop()
      // It promises two seconds and takes milliseconds; a busy machine is given more.
      #expect(ContinuousClock.now - start < .seconds(20))
      _ = try await client.outcome()
      #expect(try await workspace.sync("b.store", with: "a.store").status == 0)
      #expect(try await workspace.export("a.store") == workspace.export("b.store"))
    }
  }

  @Test func `the store is locked while it is served and the holder is named`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try await workspace.serving("records.store") { server in
        for command in [["status"], ["get", "a", "b"], ["check"], ["export"]] {
          let outcome = try await workspace.start(command).outcome()
          #expect(outcome.status == 5, "\(command): \(outcome.errors)")
          #expect(outcome.errors.contains("\(server.tool.processIdentifier)"), "\(outcome.errors)")
        }
      }
    }
  }
}
