// SPDX-License-Identifier: Apache-2.0

import Foundation
import Workloads

/// What one run of one engine came to, in a process of its own.
struct EngineMeasurement: Codable {
  let engine: String
  /// Seconds of a durable write, measured just before and just after.
  var floor: [Double]
  var figures: [Figure]

  /// Runs an engine in this process, in an empty folder.
  static func run(
    _ name: String, in folder: String, size: Int, rows: Set<Row>
  ) throws -> EngineMeasurement {
    let kind = try EngineKinds.kind(name)
    func announce(_ row: Row) {
      FileHandle.standardError.write(Data("  \(kind.name): \(row.rawValue)\n".utf8))
    }
    var measurement = EngineMeasurement(engine: kind.name, floor: [try floor(folder)], figures: [])
    measurement.figures += try EngineWorkload(
      kind, in: folder, size: size, rows: rows, announce: announce
    ).run()
    let recorder = Recorder(folder: folder, rows: rows, announce: announce)
    try recorder.measure(.reopenCrashed) { try CrashRun.reopen(name, in: folder) }
    measurement.figures += recorder.figures
    measurement.floor.append(try floor(folder))
    return measurement
  }

  static func floor(_ folder: String) throws -> Double {
    try FlushFloor.median(at: folder + "/floor")
  }
}
