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
    if !rows.isSubset(of: Row.apart) {
      measurement.figures += try CoreWorkload(
        kind, in: folder, size: size, rows: rows, announce: announce
      ).run()
    }
    if !rows.isDisjoint(with: Row.mixed) {
      measurement.figures += try MixedWorkload(
        kind, in: folder, size: size, rows: rows, announce: announce
      ).run()
    }
    measurement.figures += try SpaceWorkload(
      kind, in: folder, size: size, rows: rows, announce: announce
    ).run()
    measurement.figures += try abilities(kind, in: folder, size: size, rows, announce)
    let recorder = Recorder(folder: folder, rows: rows, announce: announce)
    try recorder.measure(.reopenCrashed) { try CrashRun.reopen(name, in: folder) }
    measurement.figures += recorder.figures
    measurement.floor.append(try floor(folder))
    return measurement
  }

  /// What not every engine has.
  private static func abilities(
    _ kind: any MeasuredEngineKind, in folder: String, size: Int, _ rows: Set<Row>,
    _ announce: @escaping (Row) -> Void
  ) throws -> [Figure] {
    var figures: [Figure] = []
    if !rows.isDisjoint(with: TwoPhaseWorkload.rows) {
      figures += try TwoPhaseWorkload(kind, in: folder, rows: rows, announce: announce).run()
    }
    if !rows.isDisjoint(with: SnapshotWorkload.rows) {
      figures += try SnapshotWorkload(
        kind, in: folder, size: size, rows: rows, announce: announce
      ).run()
    }
    if !rows.isDisjoint(with: MultimapWorkload.rows) {
      figures += try MultimapWorkload(
        kind, in: folder, size: size, rows: rows, announce: announce
      ).run()
    }
    if !rows.isDisjoint(with: SegmentWorkload.rows) {
      figures += try SegmentWorkload(
        kind, in: folder, size: size, rows: rows, announce: announce
      ).run()
    }
    return figures
  }

  static func floor(_ folder: String) throws -> Double {
    Report.median(try FlushFloor.measure(at: folder + "/floor", count: 1000))
  }
}

extension Row {
  /// What `MixedWorkload` measures.
  static let mixed: Set<Row> = [
    .halfUpdates, .flushedUpdatesAmongGets, .commitDuringCheckpoints, .operationsFlushed,
    .operationsUnflushed,
  ]

  /// What `CoreWorkload` does not measure, and need not run for.
  static let apart = mixed.union(TwoPhaseWorkload.rows).union(SnapshotWorkload.rows)
    .union(MultimapWorkload.rows).union(SegmentWorkload.rows)
    .union([.shrunkSize, .reopenCrashed])
}
