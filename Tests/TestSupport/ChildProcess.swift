// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// Another process, connected by pipes, which ends with the test at the latest.
public final class ChildProcess {
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private var buffer: [UInt8] = []

  /// Starts a program.
  public init(_ path: String, _ arguments: [String]) throws {
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.standardInput = input
    process.standardOutput = output
    try process.run()
  }

  deinit {
    if process.isRunning { kill() }
  }

  /// Its process id.
  public var identifier: Int32 { process.processIdentifier }

  /// Its exit code, or the number of the signal that ended it.
  public var terminationStatus: Int32 { process.terminationStatus }

  /// Waits for a line of its output; `nil` at the end.
  public func readLine() throws -> String? {
    while true {
      if let end = buffer.firstIndex(of: 0x0A) {
        let line = String(decoding: buffer[..<end], as: UTF8.self)
        buffer.removeFirst(end + 1)
        return line
      }
      let data = output.fileHandleForReading.availableData
      // What follows the last line end was cut off and was never said.
      if data.isEmpty { return nil }
      buffer.append(contentsOf: data)
    }
  }

  /// Closes its standard input.
  public func endInput() {
    try? input.fileHandleForWriting.close()
  }

  /// Ends it at once, without a chance to clean up, and waits until it is gone.
  public func kill() {
    _ = Foundation.kill(identifier, SIGKILL)
    wait()
  }

  /// Waits until it has ended.
  public func wait() {
    process.waitUntilExit()
  }

  /// The path of an executable that was built beside the tests.
  public static func builtExecutable(_ name: String) throws -> String {
    let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    return URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent(name).path
  }
}
