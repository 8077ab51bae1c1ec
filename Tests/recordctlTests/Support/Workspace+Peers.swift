// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// A running `recordctl serve`.
struct RunningServer: Sendable {
  let tool: RunningTool
  /// Its URL.
  let peer: String

  var port: Int { Int(peer.split(separator: ":").last ?? "") ?? 0 }

  /// Ends it as an operator does; that must succeed.
  func stop(sourceLocation: SourceLocation = #_sourceLocation) async throws {
    tool.send(signal: SIGTERM)
    let outcome = try await tool.outcome()
    #expect(
      outcome.status == 0 && !outcome.wasKilled, "\(outcome.errors)", sourceLocation: sourceLocation
    )
  }
}

extension Workspace {
  /// Serves a store while `body` runs.
  @discardableResult
  func serving<R>(
    _ store: String, _ options: String..., body: (RunningServer) async throws -> R
  ) async throws -> R {
    let server = try await serve(store, options)
    do {
      let result = try await body(server)
      try await server.stop()
      return result
    } catch {
      server.tool.send(signal: SIGKILL)
      throw error
    }
  }

  /// Serves a store, on a free port of loopback unless told otherwise.
  func serve(_ store: String, _ options: [String] = []) async throws -> RunningServer {
    var arguments = ["serve", "--store", store] + options
    if !options.contains("--listen") { arguments += ["--listen", "127.0.0.1:0"] }
    let tool = try start(arguments)
    try await tool.awaitErrors(containing: "serving ")
    let match = try #require(tool.errors.firstMatch(of: /https?:\/\/[^\s]+:[0-9]+/))
    return RunningServer(tool: tool, peer: String(match.0))
  }

  /// Synchronises `store` with `peer`, which is served meanwhile.
  @discardableResult
  func sync(_ store: String, with peer: String, _ options: String...) async throws
    -> Tool.Outcome
  {
    try await serving(peer) { server in
      try await start(["sync", server.peer, "--store", store] + options).outcome()
    }
  }
}

extension Workspace {
  /// Makes two replicas of one data set with ten records.
  func twoReplicas(_ one: String, _ two: String) async throws {
    try await succeed("init", "--store", one)
    let records = (0..<10).map { #"{"_key":"k\#($0)","n":\#($0)}"# }.joined(separator: "\n")
    try await succeed(
      "import", "-", "--format", "jsonl", "--collection", "base", "--store", one, input: records)
    try await succeed("init", "--store", two)
    let outcome = try await sync(two, with: one)
    try #require(outcome.status == 0, "\(outcome.errors)")
  }

  /// The positions of stores.
  func positions(_ stores: String...) async throws -> [String] {
    var positions: [String] = []
    for store in stores { positions.append(try await position(of: store)) }
    return positions
  }
}
