// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import Workloads

/// A value that threads share.
final class Shared<Value>: Sendable {
  private let mutex: Mutex<Value>

  init(_ value: sending Value) { mutex = Mutex(value) }

  func withLock<R>(_ body: (inout sending Value) throws -> sending R) rethrows -> sending R {
    try mutex.withLock(body)
  }
}

extension Latencies {
  /// Times of what one thread does again and again, so many times at least, while `body` runs on
  /// another.
  static func measured(
    atLeast count: Int = 0, while body: @escaping @Sendable () throws -> Void,
    meanwhile: @escaping @Sendable (Int) throws -> Void
  ) throws -> Latencies {
    let times = Shared(Latencies())
    let isDone = Shared(false)
    try Threads.run(2) { thread in
      if thread == 0 {
        defer { isDone.withLock { $0 = true } }
        return try body()
      }
      var own = Latencies()
      var number = 0
      while !isDone.withLock({ $0 }) || number < count {
        let current = number
        try own.add { try meanwhile(current) }
        number += 1
      }
      let all = own
      times.withLock { $0.add(all) }
    }
    return times.withLock { $0 }
  }
}

/// Durable maps and prevalent systems, round by round, beside what others published or reached.
///
/// persistent-kv and airomem are programs of other languages; what they reached was measured once, on
/// a machine of two processors with a flush floor of 6,000 to 8,000 writes per second, so that these
/// ratios are no more than an indication elsewhere.
struct MemoryRun {
  /// Sets of persistent-kv a second, which hands each to the system.
  private static let peerSets = 285_000.0
  /// Entries that persistent-kv reads at reopening, a second.
  private static let peerReopen = 3_000_000.0
  /// Flushed commands of airomem a second, with one thread or several.
  private static let peerCommands = 4_500.0

  let folder: String
  let rounds: Int
  let entries: Int
  private(set) var report = Report()

  init(folder: String, rounds: Int, entries: Int) {
    self.folder = folder
    self.rounds = rounds
    self.entries = entries
  }

  mutating func measure() throws {
    var values: [String: [Double]] = [:]
    for _ in 0..<rounds {
      for kind in ["map", "system"] {
        for (name, value) in try Self.run(kind, folder, entries) {
          values[name, default: []].append(value)
        }
      }
    }
    for figure in MapMeasurement.Figure.allCases {
      report.add(figure.rawValue, values[figure.rawValue] ?? [], figure.unit)
    }
    for figure in SystemMeasurement.Figure.allCases {
      report.add(figure.rawValue, values[figure.rawValue] ?? [], figure.unit)
    }
    addRatios()
  }

  private mutating func addRatios() {
    func map(_ figure: MapMeasurement.Figure) -> Double { report.value(figure.rawValue) }
    func system(_ figure: SystemMeasurement.Figure) -> Double { report.value(figure.rawValue) }
    let (sets, written) = (map(.set), map(.setWritten))
    let (gets, both) = (map(.get), map(.getOnTwoThreads))
    let (floor, flushed) = (map(.floor), map(.flushedSet))
    let (stall, eight) = (map(.setDuringCompaction), map(.flushedSetsOfEight))
    let (overhead, reopen) = (map(.overhead), map(.reopen))
    let (commands, committed) = (system(.commands), system(.flushedCommands))
    let imageStall = system(.longestDuringImage)
    report.add(ratio: "set in memory / set of persistent-kv", sets / Self.peerSets, atLeast: 3)
    report.add(ratio: "set handed over / set of persistent-kv", written / Self.peerSets, atLeast: 3)
    report.add(ratio: "set while compacting, p99.99, in ms", stall / 1000, atMost: 5)
    report.add(ratio: "flushed set / flush floor", flushed / floor, atMost: 1.15)
    report.add(ratio: "flushed sets of 8 threads, a second", eight, atLeast: 20_000)
    report.add(ratio: "gets, in millions a second", gets / 1e6, atLeast: 10)
    report.add(ratio: "gets of 2 threads / of 1", both / gets, atLeast: 1.8)
    report.add(ratio: "memory for a byte of keys and values", overhead, atMost: 1.25)
    report.add(ratio: "reopening / that of persistent-kv", reopen / Self.peerReopen, atLeast: 4)
    report.add(ratio: "commands, in millions a second", commands / 1e6, atLeast: 1)
    report.add(
      ratio: "flushed commands / those of airomem", committed / Self.peerCommands, atLeast: 3)
    report.add(ratio: "command while an image is written, in ms", imageStall / 1000, atMost: 5)
  }

  /// Writes the figures beside those of the engines, and prints them.
  func write() throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try encoder.encode(report).write(to: URL(filePath: folder + "/memory.json"))
    let title = """
      # Durable memory

      Written by `make bench`: \(entries) entries of 8 + 100 bytes, \(rounds) rounds, medians. The figures of
      persistent-kv and airomem are of another day and machine.


      """
    try Data((title + report.table).utf8).write(to: URL(filePath: folder + "/memory.md"))
    print(report.table)
  }

  /// One run in a process of its own, whose memory is fresh.
  private static func run(
    _ kind: String, _ folder: String, _ entries: Int
  ) throws -> [String: Double] {
    let process = Process()
    process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = [kind, folder, "\(entries)"]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw BenchmarkFailure("the measurement of a \(kind) failed")
    }
    return try JSONDecoder().decode([String: Double].self, from: output)
  }

  /// What a process that measures a map or a system prints.
  static func show(_ figures: [String: Double]) throws {
    print(String(decoding: try JSONEncoder().encode(figures), as: UTF8.self))
  }
}

extension Dictionary {
  /// The same values under other keys.
  func mapKeys<Other: Hashable>(_ other: (Key) -> Other) -> [Other: Value] {
    Dictionary<Other, Value>(uniqueKeysWithValues: map { (other($0.key), $0.value) })
  }
}
