// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import RecordLayers
import Workloads

/// Measures the store beside its limits and peers.
///
/// Rounds are interleaved; medians count.
///
/// usage: benchmark engines FOLDER SIZE ROUNDS [NAME or ROW ...]   (all where none is named)
///        benchmark tool FOLDER RECORDCTL [ROUNDS [RECORDS]]
///        benchmark engine NAME FOLDER SIZE [ROW ...]      (one run of one engine)
///        benchmark layer NAME FOLDER SIZE [ROW ...]       (one run of one record layer)
///        benchmark memory FOLDER ROUNDS ENTRIES           (durable maps and prevalent systems)
///        benchmark map FOLDER ENTRIES                     (one run of a map)
///        benchmark system FOLDER ENTRIES                  (one run of a system)
///        benchmark commits FOLDER THREADS COUNT           (one run of the record layer)
///        benchmark crash NAME FOLDER                      (writes, and kills itself)
@main
enum Benchmark {
  static func main() {
    do {
      try run()
    } catch {
      FileHandle.standardError.write(Data("benchmark: \(error)\n".utf8))
      exit(1)
    }
  }

  private static func run() throws {
    guard RecordTable.isFaithful else {
      throw BenchmarkFailure("the generator does not make what its description says")
    }
    let arguments = Array(CommandLine.arguments.dropFirst())
    switch (arguments.first, arguments.count) {
    case ("engines", 4...): try compareEngines(Array(arguments.dropFirst()))
    case ("tool", 3...): try measureTool(Array(arguments.dropFirst()))
    case ("engine", 4...):
      try show(
        EngineMeasurement.run(
          arguments[1], in: arguments[2], size: try number(arguments[3]),
          rows: try rows(arguments[4...], or: Row.ofEngines)))
    case ("layer", 4...):
      try show(
        LayerMeasurement.run(
          arguments[1], in: arguments[2], size: try number(arguments[3]),
          rows: try rows(arguments[4...], or: LayerWorkload.rows)))
    case ("commits", 4):
      try measureCommits(
        in: arguments[1], threads: try number(arguments[2]), count: try number(arguments[3]))
    case ("memory", 4):
      var run = MemoryRun(
        folder: arguments[1], rounds: try number(arguments[2]), entries: try number(arguments[3]))
      try run.measure()
      try run.write()
    case ("map", 3):
      var measurement = MapMeasurement(folder: arguments[1], entries: try number(arguments[2]))
      try measurement.measure()
      try MemoryRun.show(measurement.figures.mapKeys(\.rawValue))
    case ("system", 3):
      var measurement = SystemMeasurement(folder: arguments[1], entries: try number(arguments[2]))
      try measurement.measure()
      try MemoryRun.show(measurement.figures.mapKeys(\.rawValue))
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

  /// The rows of those names; all of `usual` where there are no names.
  private static func rows(_ names: ArraySlice<String>, or usual: [Row]) throws -> Set<Row> {
    let rows = try names.map { name in
      guard let row = Row(rawValue: name) else { throw BenchmarkFailure("no row is \(name)") }
      return row
    }
    return Set(rows.isEmpty ? usual : rows)
  }

  private static func show(_ measurement: EngineMeasurement) throws {
    print(String(decoding: try JSONEncoder().encode(measurement), as: UTF8.self))
  }

  /// Leaves engines.json, engines.md and engines.svg in the folder, and layers.json of the record
  /// layers, which engines.md shows as well; fails on a busy machine.
  private static func compareEngines(_ arguments: [String]) throws {
    let folder = arguments[0]
    let (size, rounds) = (try number(arguments[1]), try number(arguments[2]))
    let choice = Choice(Array(arguments.dropFirst(3)))
    var text = "# Engines side by side\n"
    var isValid = true
    if !choice.engines.isEmpty {
      let comparison = try EngineRun(
        command: "engine", records: "records of 24 + 150 bytes", folder: folder,
        engines: choice.engines, size: size, rounds: rounds, rows: choice.rowsOfEngines
      ).measure()
      try write(comparison, to: folder + "/engines.json")
      try write(Chart(comparison: comparison).svg, to: folder + "/engines.svg")
      text += "\n" + comparison.tables
      // Not lost, should a record layer fail.
      try write(text, to: folder + "/engines.md")
      isValid = comparison.isValid
    }
    if !choice.layers.isEmpty {
      let comparison = try EngineRun(
        command: "layer", records: "structs of 5 fields", folder: folder,
        engines: choice.layers, size: min(size, 100_000), rounds: rounds,
        rows: choice.rowsOfLayers
      ).measure()
      try write(comparison, to: folder + "/layers.json")
      text += "\n## Record layers\n\n" + comparison.tables
      isValid = isValid && comparison.isValid
    }
    try write(text, to: folder + "/engines.md")
    print(text)
    // An error at the top level would end the process with the text still in a buffer.
    fflush(nil)
    guard isValid else { throw BenchmarkFailure("the machine was busy") }
  }

  private static func write(_ comparison: Comparison, to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try encoder.encode(comparison).write(to: URL(filePath: path))
  }

  private static func write(_ text: String, to path: String) throws {
    try Data(text.utf8).write(to: URL(filePath: path))
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
