// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Workloads

/// Measures the store beside its limits and peers.
///
/// Rounds are interleaved; medians count.
///
/// usage: benchmark FOLDER RECORDCTL [ROUNDS [RECORDS]]
///        benchmark commits FOLDER THREADS COUNT    (one measurement, used by the above)
@main
enum Benchmark {
  static func main() throws {
    let arguments = Array(CommandLine.arguments.dropFirst())
    guard RecordTable.isFaithful else {
      throw BenchmarkFailure("the generator does not make what its description says")
    }
    if arguments.first == "commits", arguments.count == 4 {
      return try measureCommits(
        in: arguments[1], threads: Int(arguments[2]) ?? 1, count: Int(arguments[3]) ?? 1)
    }
    if arguments.first == "engine", arguments.count >= 4 {
      let rows = arguments.dropFirst(4).compactMap(Row.init)
      return try EngineMeasurement.run(
        StorageEngineKind(), in: arguments[2], size: Int(arguments[3]) ?? 1_000_000,
        rows: Set(rows.isEmpty ? Row.allCases : rows))
    }
    guard arguments.count >= 2 else {
      throw BenchmarkFailure("usage: benchmark FOLDER RECORDCTL [ROUNDS [RECORDS]]")
    }
    var run = BenchmarkRun(
      folder: arguments[0], recordctl: arguments[1],
      rounds: arguments.count > 2 ? Int(arguments[2]) ?? 3 : 3,
      records: arguments.count > 3 ? UInt64(arguments[3]) ?? 1_000_000 : 1_000_000)
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
