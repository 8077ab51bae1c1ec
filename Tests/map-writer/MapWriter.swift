// SPDX-License-Identifier: Apache-2.0

import DurableMemory
import Foundation
import StorageEngine
import TestSupport

/// A process for tests to kill, which writes to durable maps.
///
///     map-writer numbers|texts PATH THREADS   sets keys without end, printing what is acknowledged
///     map-writer quiet PATH                   does a bit of everything, and prints nothing
///     map-writer reopen PATH                  fills, clears and closes a map ten times, printing what
///                                             memory is taken after two and in the end
@main
struct MapWriter {
  static func main() {
    let arguments = CommandLine.arguments
    do {
      switch (arguments.dropFirst().first, arguments.count) {
      case ("numbers", 4):
        try write(arguments[2], Int(arguments[3]) ?? 1) { UInt64($0) << 32 | UInt64($1) }
      case ("texts", 4):
        try write(arguments[2], Int(arguments[3]) ?? 1) { "thread \($0), key \($1)" }
      case ("quiet", 3): try beQuiet(arguments[2])
      case ("reopen", 3): try reopen(arguments[2])
      default: say("usage: map-writer numbers|texts PATH THREADS, map-writer quiet|reopen PATH")
      }
    } catch {
      say("error: \(error)")
      exit(1)
    }
  }

  /// Each thread sets its keys one after the other, to their numbers, from where it was.
  private static func write<Key: DurableCodable>(
    _ path: String, _ threads: Int, _ key: @escaping @Sendable (Int, Int) -> Key
  ) throws {
    var configuration = Configuration()
    configuration.cacheBytes = 8 << 20
    configuration.checkpointBytes = 1 << 18
    let database = try Database.open(at: path, configuration: configuration)
    let map = try DurableMap<Key, Int>(named: "map", in: database)
    let progress = try DurableMap<Int, Int>(named: "progress", in: database)
    say("ready")
    try runThreads(threads) { thread in
      var next = (try progress.get(thread) ?? 0) + 1
      while true {
        // Some commits wait for the disk; a kill must not lose the others either once written.
        let durability: Durability = next % 4 == 0 ? .synced : .written
        if next % 3 == 0 {
          var batch = DurableBatch()
          try batch.set(key(thread, next), next, in: map)
          try batch.set(thread, next, in: progress)
          try batch.commit(durability: durability)
        } else {
          try map.set(key(thread, next), next, durability: durability)
          try progress.set(thread, next, durability: durability)
        }
        say("\(thread) \(next)")
        next += 1
      }
    }
  }

  private static func beQuiet(_ path: String) throws {
    let database = try Database.openOrCreate(at: path)
    let map = try DurableMap<String, Int>(named: "map", in: database)
    for number in 0..<1000 { try map.set("\(number)", number, durability: .manual) }
    for number in 0..<500 { try map.unset("\(number)", durability: .manual) }
    try map.compact()
    _ = try? DurableMap<Int, Int>(named: "map", in: database)
    _ = try map.keys()
    map.close()
    try database.close()
  }

  private static func reopen(_ path: String) throws {
    var configuration = Configuration()
    configuration.cacheBytes = 8 << 20
    let database = try Database.openOrCreate(at: path, configuration: configuration)
    let value = [UInt8](repeating: 1, count: 1000)
    for round in 0..<10 {
      let map = try DurableMap<Int, [UInt8]>(named: "map", in: database)
      for key in 0..<8000 { try map.set(key, value, durability: .manual) }
      try map.clear(durability: .manual)
      for key in 0..<8000 { try map.set(key, value, durability: .manual) }
      map.close()
      if round == 1 || round == 9 { say("\(try takenPages() * 4096)") }
    }
    try database.close()
  }

  /// Pages of memory that this process takes.
  private static func takenPages() throws -> Int {
    let sizes = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
    return Int(sizes.split(separator: " ")[1]) ?? 0
  }

  /// Prints a line in one call, so that a kill cannot cut it or leave it in a buffer.
  private static func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = unsafe Foundation.write(1, bytes, bytes.count)
  }
}
