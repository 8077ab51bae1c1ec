// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import Testing

/// The built `recordctl`, which lies beside the test bundle.
enum Tool {
  static let path: String = {
    let tests = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    return tests.deletingLastPathComponent().appending(path: "recordctl").path
  }()

  /// What a run of the tool came to.
  struct Outcome {
    let status: Int32
    /// Whether a signal ended it.
    let wasKilled: Bool
    let output: Data
    let errors: String

    var text: String { String(decoding: output, as: UTF8.self) }
    var lines: [String] { text.split(separator: "\n").map(String.init) }
  }
}

/// A running process whose output goes to files, so that no pipe can fill up.
final class RunningTool: Sendable {
  let processIdentifier: Int32
  private let process: Mutex<Process>
  private let outputPath: URL
  private let errorPath: URL
  private let ended: AsyncStream<Void>

  /// Starts `executable`; its standard input is empty unless given.
  init(
    _ executable: String, _ arguments: [String], input: FileHandle = .nullDevice,
    environment: [String: String] = [:], in folder: URL
  ) throws {
    let name = UUID().uuidString
    outputPath = folder.appending(path: name + ".out")
    errorPath = folder.appending(path: name + ".err")
    let process = Process()
    process.executableURL = URL(filePath: executable)
    process.arguments = arguments
    process.currentDirectoryURL = folder
    let inherited = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("RECORDCTL") }
    process.environment = inherited.merging(environment) { $1 }
    process.standardInput = input
    process.standardOutput = try Self.emptyFile(at: outputPath)
    process.standardError = try Self.emptyFile(at: errorPath)
    let (ended, end) = AsyncStream<Void>.makeStream()
    process.terminationHandler = { _ in end.finish() }
    self.ended = ended
    try process.run()
    processIdentifier = process.processIdentifier
    self.process = Mutex(process)
  }

  private static func emptyFile(at url: URL) throws -> FileHandle {
    try Data().write(to: url)
    return try FileHandle(forWritingTo: url)
  }

  /// What it has written to standard error so far.
  var errors: String { (try? String(contentsOf: errorPath, encoding: .utf8)) ?? "" }

  var isRunning: Bool { process.withLock { $0.isRunning } }

  func send(signal number: Int32) {
    if isRunning { kill(processIdentifier, number) }
  }

  /// Waits for its end.
  func outcome() async throws -> Tool.Outcome {
    for await _ in ended {}
    let (status, reason) = process.withLock { process in
      process.waitUntilExit()
      return (process.terminationStatus, process.terminationReason)
    }
    return Tool.Outcome(
      status: status, wasKilled: reason == .uncaughtSignal,
      output: try Data(contentsOf: outputPath), errors: errors)
  }

  /// Waits until standard error holds `text`, or the process ended.
  func awaitErrors(containing text: String) async throws {
    while !errors.contains(text) {
      guard isRunning else { break }
      try await Task.sleep(for: .milliseconds(2))
    }
    try #require(errors.contains(text), "standard error: \(errors)")
  }
}
