// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Workloads

/// Measures the store beside its limits and peers.
///
/// Rounds are interleaved; medians count.
///
/// usage: benchmark engines FOLDER SIZE ROUNDS [NAME ...]
///        benchmark tool FOLDER RECORDCTL [ROUNDS [RECORDS]]
///        benchmark engine NAME FOLDER SIZE [ROW ...]      (one run of one engine)
///        benchmark commits FOLDER THREADS COUNT           (one run of the record layer)
///        benchmark crash NAME FOLDER                      (writes, and kills itself)
@main
enum Benchmark {
  static func main() throws {
    guard RecordTable.isFaithful else {
      throw BenchmarkFailure("the generator does not make what its description says")
    }
    let arguments = Array(CommandLine.arguments.dropFirst())
    switch (arguments.first, arguments.count) {
    case ("engines", 4...): try compareEngines(Array(arguments.dropFirst()))
    case ("tool", 3...): try measureTool(Array(arguments.dropFirst()))
    case ("engine", 4...):
      let rows = Set(arguments[4...].compactMap(Row.init))
      let measurement = try EngineMeasurement.run(
        arguments[1], in: arguments[2], size: try number(arguments[3]),
        rows: rows.isEmpty ? Set(Row.allCases) : rows)
      print(String(decoding: try JSONEncoder().encode(measurement), as: UTF8.self))
    case ("commits", 4):
      try measureCommits(
        in: arguments[1], threads: try number(arguments[2]), count: try number(arguments[3]))
    case ("crash", 3): try CrashRun.writeAndDie(arguments[1], in: arguments[2])
    default: throw BenchmarkFailure("usage: benchmark engines FOLDER SIZE ROUNDS [NAME ...]")
    }
  }

  private static func number(_ text: String) throws -> Int {
    guard let number = Int(text), number > 0 else {
      throw BenchmarkFailure("\(text) is no number above zero")
    }
    return number
  }

  /// Leaves engines.json, engines.md and engines.svg in the folder; fails on a busy machine.
  private static func compareEngines(_ arguments: [String]) throws {
    let folder = arguments[0]
    let run = EngineRun(
      folder: folder, engines: arguments.count > 3 ? Array(arguments[3...]) : EngineKinds.usual,
      size: try number(arguments[1]), rounds: try number(arguments[2]),
      rows: Set(Row.allCases))
    let comparison = try run.measure()
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try encoder.encode(comparison).write(to: URL(filePath: folder + "/engines.json"))
    try Data(("# Engines side by side\n\n" + comparison.tables).utf8)
      .write(to: URL(filePath: folder + "/engines.md"))
    try Data(Chart(comparison: comparison).svg.utf8)
      .write(to: URL(filePath: folder + "/engines.svg"))
    print(comparison.tables)
    guard comparison.isValid else { throw BenchmarkFailure("the machine was busy") }
  }

  private static func measureTool(_ arguments: [String]) throws {
    var run = ToolRun(
      folder: arguments[0], recordctl: arguments[1],
      rounds: arguments.count > 2 ? try number(arguments[2]) : 3,
      records: arguments.count > 3 ? UInt64(try number(arguments[3])) : 1_000_000)
    try run.measure()
    try run.write()
  }

  /// Prints the flush floor in seconds, then the seconds of a commit and commits per second, of
  /// the engine and of the record store, measured one after the other in this process.
  private static func measureCommits(in folder: String, threads: Int, count: Int) throws {
    let floor = try FlushFloor.measure(at: folder + "/floor", count: 1000)
    let workload = CommitWorkload(threads: threads, commits: count)
    let engine = try workload.runOnEngine(at: folder + "/engine.store")
    let records = try workload.runOnRecords(at: folder + "/records.store")
    for name in ["engine.store", "records.store"] {
      try FileManager.default.removeItem(atPath: folder + "/" + name)
    }
    print(Report.median(floor))
    for outcome in [engine, records] {
      print(Report.median(outcome.latencies), Double(count) / outcome.seconds)
    }
  }
}
