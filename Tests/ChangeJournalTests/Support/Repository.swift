// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Files of this source tree.
enum SourceTree {
  /// The folder that holds Package.swift.
  static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// Reads a file as bytes.
  static func bytes(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: root.appending(path: path)))
  }

  /// Reads a file as text.
  static func text(_ path: String) throws -> String {
    String(decoding: try bytes(path), as: UTF8.self)
  }
}

/// What a program printed and how it ended.
struct ProgramResult {
  let output: [UInt8]
  let error: String
  let status: Int32
}

/// Runs the Python reader on a journal, which it reads from its standard input.
func readWithPython(_ journal: [UInt8]) throws -> ProgramResult {
  let process = Process()
  process.executableURL = URL(filePath: "/usr/bin/env")
  process.arguments = [
    "python3", SourceTree.root.appending(path: "Tests/python/journal_reader.py").path, "-",
  ]
  let (input, output, error) = (Pipe(), Pipe(), Pipe())
  process.standardInput = input
  process.standardOutput = output
  process.standardError = error
  try process.run()
  // The reader may end before it has read everything.
  let writer = Thread {
    try? input.fileHandleForWriting.write(contentsOf: Data(journal))
    try? input.fileHandleForWriting.close()
  }
  signal(SIGPIPE, SIG_IGN)
  writer.start()
  let printed = try output.fileHandleForReading.readToEnd() ?? Data()
  let complaint = try error.fileHandleForReading.readToEnd() ?? Data()
  process.waitUntilExit()
  return ProgramResult(
    output: [UInt8](printed), error: String(decoding: complaint, as: UTF8.self),
    status: process.terminationStatus)
}
