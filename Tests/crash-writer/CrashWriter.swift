// SPDX-License-Identifier: Apache-2.0

import Glibc
import StorageEngine
import TestSupport

/// A process for tests to kill.
///
///     crash-writer write PATH SERIES SEED   commits without end, printing what is acknowledged
///     crash-writer open PATH                opens the store, says so, waits for the end of input
@main
struct CrashWriter {
  static func main() {
    let arguments = CommandLine.arguments
    do {
      switch (arguments.dropFirst().first, arguments.count) {
      case ("write", 5):
        try write(arguments[2], series: Int(arguments[3]) ?? 1, seed: UInt64(arguments[4]) ?? 0)
      case ("open", 3): try open(arguments[2])
      default: say("usage: crash-writer write PATH SERIES SEED | open PATH")
      }
    } catch {
      say("error: \(error)")
      exit(1)
    }
  }

  private static func write(_ path: String, series count: Int, seed: UInt64) throws {
    var configuration = Configuration()
    configuration.cacheBytes = 8 << 20
    configuration.checkpointBytes = 2 << 20
    let database = try Database.open(at: path, configuration: configuration)
    say("ready")
    try runThreads(count) { number in
      let series = ScriptedSeries(number, seed: seed)
      var next = try series.progress(in: try database.snapshot()) + 1
      while true {
        try database.write { transaction in
          for change in series.changes(next) { try change.apply(to: transaction) }
        }
        say("\(number) \(next)")
        next += 1
      }
    }
  }

  private static func open(_ path: String) throws {
    let database = try Database.open(at: path)
    say("open")
    while readLine() != nil {}
    try database.close()
    say("closed")
  }

  /// Prints a line in one call, so that a kill cannot cut it or leave it in a buffer.
  private static func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = unsafe Glibc.write(1, bytes, bytes.count)
  }
}
