// SPDX-License-Identifier: Apache-2.0

import Foundation
import StorageEngine
import TestSupport

/// A process for tests to kill.
///
///     crash-writer write PATH SERIES SEED   commits without end, printing what is acknowledged
///     crash-writer open PATH                opens the store, says so, waits for the end of input
///     crash-writer race PATH                the same, but says what refused it and waits all the same
///     crash-writer mix PATH SERIES SEED [LAST [PATIENCE]]
///         writes mixed series, up to a transaction; creates the store if there is none
///     crash-writer verify PATH SERIES SEED BEFORE AFTER
///         checks such a store against what was said before the crash and up to it, in files
@main
struct CrashWriter {
  static func main() {
    let arguments = CommandLine.arguments
    do {
      switch (arguments.dropFirst().first, arguments.count) {
      case ("write", 5):
        try write(arguments[2], series: Int(arguments[3]) ?? 1, seed: UInt64(arguments[4]) ?? 0)
      case ("open", 3): try open(arguments[2])
      case ("race", 3): race(arguments[2])
      case ("mix", 5...7): try mix(arguments[2], Array(arguments.dropFirst(3)))
      case ("verify", 7): try verify(arguments[2], Array(arguments.dropFirst(3)))
      default: say("usage: crash-writer write|open|race|mix|verify PATH …")
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

  private static func mix(_ path: String, _ arguments: [String]) throws {
    let numbers = arguments.map { Int($0) ?? 1 }
    var configuration = Configuration()
    configuration.cacheBytes = 8 << 20
    configuration.checkpointBytes = 1 << 20
    let database = try openOrCreate(path, configuration)
    say("ready")
    var writer = MixedWriter(database) { say($0) }
    writer.patience = numbers.count > 3 ? numbers[3] : 0
    let last = numbers.count > 2 ? numbers[2] : .max
    let all = MixedSeries.all(numbers[0], seed: UInt64(numbers[1]))
    try runThreads(all.count) { [writer] in try writer.run(all[$0], upTo: last) }
    try database.close()
  }

  private static func openOrCreate(
    _ path: String, _ configuration: Configuration
  ) throws -> Database {
    guard unsafe access(path, F_OK) != 0 else {
      return try Database.open(at: path, configuration: configuration)
    }
    let database = try Database.create(at: path, configuration: configuration)
    try MixedSeries.prepare(database)
    return database
  }

  private static func verify(_ path: String, _ arguments: [String]) throws {
    let before = try MixedTestimony(text: contents(arguments[2]))
    let after = try MixedTestimony(text: contents(arguments[3]))
    let all = MixedSeries.all(Int(arguments[0]) ?? 1, seed: UInt64(arguments[1]) ?? 0)
    var history = MixedHistory(all)
    try history.verify(path, before: before, after: after) { true }
    say("whole \(before.committed.values.reduce(0, +))")
  }

  private static func contents(_ path: String) throws -> String {
    try String(contentsOfFile: path, encoding: .utf8)
  }

  private static func race(_ path: String) {
    do {
      let database = try Database.open(at: path)
      say("open")
      while readLine() != nil {}
      try database.close()
    } catch {
      say("error: \(error)")
      while readLine() != nil {}
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
    _ = unsafe Foundation.write(1, bytes, bytes.count)
  }
}
