// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// A folder of its own for one test, with the stores it makes in it.
struct Workspace: Sendable {
  let folder: URL

  /// Runs `body` with an empty folder.
  ///
  /// Afterwards every store in it must pass `check`, except those whose name starts with "damaged".
  static func with<R>(
    sourceLocation: SourceLocation = #_sourceLocation, _ body: (Workspace) async throws -> R
  ) async throws -> R {
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "recordctl-" + UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let workspace = Workspace(folder: folder)
    let result = try await body(workspace)
    try await workspace.checkStores(sourceLocation)
    return result
  }

  private func checkStores(_ sourceLocation: SourceLocation) async throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    where name.hasSuffix(".store") && !name.hasPrefix("damaged") {
      let outcome = try await run("check", "--store", name)
      #expect(
        outcome.status == 0, "check of \(name): \(outcome.errors)", sourceLocation: sourceLocation)
    }
  }

  /// The path of a file in the folder.
  func path(_ name: String) -> String { folder.appending(path: name).path }

  func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: folder.appending(path: name))
  }

  func write(_ bytes: [UInt8], to name: String) throws {
    try Data(bytes).write(to: folder.appending(path: name))
  }

  func bytes(of name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: folder.appending(path: name)))
  }

  func text(of name: String) throws -> String {
    String(decoding: try bytes(of: name), as: UTF8.self)
  }

  func start(
    _ arguments: [String], input: String? = nil, environment: [String: String] = [:]
  ) throws -> RunningTool {
    try RunningTool(
      Tool.path, arguments, input: try input.map(inputFile) ?? .nullDevice,
      environment: environment,
      in: folder)
  }

  private func inputFile(_ text: String) throws -> FileHandle {
    let name = UUID().uuidString + ".in"
    try write(text, to: name)
    return try FileHandle(forReadingFrom: folder.appending(path: name))
  }

  /// Runs the tool to its end.
  @discardableResult
  func run(
    _ arguments: String..., input: String? = nil, environment: [String: String] = [:]
  ) async throws -> Tool.Outcome {
    try await start(arguments, input: input, environment: environment).outcome()
  }

  /// Runs the tool to its end, which must be a success.
  @discardableResult
  func succeed(
    _ arguments: String..., input: String? = nil, environment: [String: String] = [:],
    sourceLocation: SourceLocation = #_sourceLocation
  ) async throws -> Tool.Outcome {
    let outcome = try await start(arguments, input: input, environment: environment).outcome()
    try #require(
      outcome.status == 0 && !outcome.wasKilled, "\(arguments): \(outcome.errors)",
      sourceLocation: sourceLocation)
    return outcome
  }

  /// Runs the tool to its end, which must be that exit code with `message` on standard error.
  @discardableResult
  func fail(
    _ status: Int32, _ arguments: String..., message: String = "", input: String? = nil,
    environment: [String: String] = [:], sourceLocation: SourceLocation = #_sourceLocation
  ) async throws -> Tool.Outcome {
    let outcome = try await start(arguments, input: input, environment: environment).outcome()
    #expect(
      outcome.status == status && !outcome.wasKilled, "\(arguments): \(outcome.errors)",
      sourceLocation: sourceLocation)
    #expect(
      message.isEmpty || outcome.errors.contains(message), "\(arguments): \(outcome.errors)",
      sourceLocation: sourceLocation)
    return outcome
  }

  /// The export of a store, the measure of being equal.
  func export(_ store: String, sourceLocation: SourceLocation = #_sourceLocation) async throws
    -> String
  {
    try await succeed("export", "--store", store, sourceLocation: sourceLocation).text
  }
}

// MARK: - What tests often ask

extension Workspace {
  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

  /// One record as a line of JSON.
  func get(
    _ collection: String, _ key: String, store: String = "records.store",
    sourceLocation: SourceLocation = #_sourceLocation
  ) async throws -> String {
    let outcome = try await succeed(
      "get", collection, key, "--output", "jsonl", "--store", store, sourceLocation: sourceLocation)
    return outcome.lines.first ?? ""
  }

  /// The version vector of a store: equal when no transaction was added.
  func position(of store: String) async throws -> String {
    let status = try await status(of: store)
    return try #require(status["position"] as? String)
  }

  /// What `status` reports.
  func status(of store: String) async throws -> [String: Any] {
    try await succeed("status", "--store", store, "--output", "json").object()
  }
}

extension Tool.Outcome {
  /// The output as one JSON object.
  func object(sourceLocation: SourceLocation = #_sourceLocation) throws -> [String: Any] {
    let parsed = try JSONSerialization.jsonObject(with: output)
    return try #require(parsed as? [String: Any], "\(text)", sourceLocation: sourceLocation)
  }
}

extension Workspace {
  /// Makes a store with several collections, updates, deletions and a few hundred records.
  func storeWithHistory(_ store: String) async throws {
    try await succeed("init", "--store", store)
    try await succeed(
      "import", Fixture.countries, "--collection", "countries", "--key", "alpha2", "--batch", "50",
      "--store", store)
    try await succeed("put", "ports", "DEHAM", #"{"name":"Hamburg","piers":4}"#, "--store", store)
    try await succeed("put", "ports", "DEHAM", #"{"name":"Hamburg"}"#, "--store", store)
    try await succeed("delete", "countries", "AQ", "--store", store)
    try await succeed("put", "empty", "x", "{}", "--store", store)
  }
}
