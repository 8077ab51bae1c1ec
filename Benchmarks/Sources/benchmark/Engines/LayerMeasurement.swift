// SPDX-License-Identifier: Apache-2.0

import Foundation
import RecordLayers
import Workloads

/// Runs of record layers: what programs use in place of an engine.
enum LayerMeasurement {
  /// Runs a record layer in this process, in an empty folder.
  static func run(
    _ name: String, in folder: String, size: Int, rows: Set<Row>
  ) throws -> EngineMeasurement {
    guard let kind = LayerKind.all.first(where: { $0.name == name }) else {
      throw BenchmarkFailure("there is no record layer \(name)")
    }
    let place = folder + "/layer"
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    var measurement = EngineMeasurement(
      engine: kind.title, floor: [try EngineMeasurement.floor(folder)], figures: [])
    measurement.figures = try LayerWorkload(kind, in: place, size: size, rows: rows) { row in
      FileHandle.standardError.write(Data("  \(kind.title): \(row.rawValue)\n".utf8))
    }.run()
    measurement.floor.append(try EngineMeasurement.floor(folder))
    return measurement
  }

  /// Those of the names that are record layers.
  static func named(_ names: [String]) -> [String] {
    LayerKind.all.map(\.name).filter(names.contains)
  }

  /// All of them.
  static let usual = LayerKind.all.map(\.name)
}

extension Row {
  /// What is measured of engines.
  static let ofEngines = allCases.filter { !LayerWorkload.rows.contains($0) }
}
