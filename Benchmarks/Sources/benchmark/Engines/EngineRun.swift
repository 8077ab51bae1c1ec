// SPDX-License-Identifier: Apache-2.0

import Foundation
import Workloads

/// Runs of several engines, or record layers, round by round, each in a process and a folder of its
/// own.
struct EngineRun {
  /// What a process is told to measure: "engine" or "layer".
  let command: String
  /// What the records are.
  let records: String
  let folder: String
  let engines: [String]
  let size: Int
  let rounds: Int
  let rows: [Row]

  /// Measures everything, engine after engine within a round.
  func measure() throws -> Comparison {
    var comparison = Comparison(
      rows: rows, size: size, records: records, rounds: rounds, busyShare: 0, measurements: [])
    for round in 1...rounds {
      // Each begins a round once: the first has the disk to itself the longest.
      let first = (round - 1) % engines.count
      for engine in engines[first...] + engines[..<first] {
        let share = MachineLoad.busyShare(seconds: 1)
        comparison.busyShare = max(comparison.busyShare, share)
        progress("round \(round) of \(rounds): \(engine)")
        FreshMemory.prepare(records: size)
        comparison.measurements.append(try measure(engine))
      }
    }
    return comparison
  }

  private func measure(_ engine: String) throws -> EngineMeasurement {
    let place = folder + "/" + engine
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: place) }
    let process = Process()
    process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments =
      [command, engine, place, "\(size)"] + rows.map(\.rawValue).sorted()
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationReason == .exit, process.terminationStatus == 0 else {
      throw BenchmarkFailure("the measurement of \(engine) failed")
    }
    return try JSONDecoder().decode(EngineMeasurement.self, from: output)
  }

  private func progress(_ line: String) {
    FileHandle.standardError.write(Data((line + "\n").utf8))
  }
}
