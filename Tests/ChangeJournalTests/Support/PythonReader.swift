// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

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
    "python3", SourceTree.path("Tests/python/journal_reader.py"), "-",
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
