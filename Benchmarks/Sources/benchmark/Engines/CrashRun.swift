// SPDX-License-Identifier: Apache-2.0

import Foundation
import Workloads

/// Opening what a killed process left.
enum CrashRun {
  /// Transactions of a thousand records each: some 60 MB of log, as far as an engine has not folded it
  /// in meanwhile.
  private static let commits = 350
  private static let table = RecordTable(0..<UInt64(commits * 1000))

  /// Writes in this process until it kills itself.
  static func writeAndDie(_ name: String, in folder: String) throws {
    let engine = try EngineKinds.kind(name).open(in: folder, cacheBytes: 1 << 30)
    for start in stride(from: Int32(0), to: Int32(table.count), by: 1000) {
      try engine.put(table, (start..<start + 1000).map { $0 }[...], flushed: true)
    }
    kill(getpid(), SIGKILL)
  }

  /// Seconds from opening to the first get after such a death.
  static func reopen(_ name: String, in folder: String) throws -> Double {
    let path = folder + "/crashed"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let process = Process()
    process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = ["crash", name, path]
    try process.run()
    process.waitUntilExit()
    guard process.terminationReason == .uncaughtSignal, process.terminationStatus == SIGKILL else {
      throw BenchmarkFailure("\(name) did not live until it was killed")
    }
    // Made before the clock runs.
    let last = Int32(table.count - 1)
    let expected = table.checksum(of: [Int(last)])
    var opened: (any MeasuredEngine)?
    let seconds = try Recorder.seconds {
      let engine = try EngineKinds.kind(name).open(in: path, cacheBytes: 1 << 30)
      guard try engine.makeReader().get(table, [last]) == expected else {
        throw BenchmarkFailure("\(name) lost its last commit")
      }
      opened = engine
    }
    try opened?.close()
    return seconds
  }
}
