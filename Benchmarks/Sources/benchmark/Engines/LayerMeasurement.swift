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
}

/// What a command line chooses of engines, record layers and rows: all where it names none.
struct Choice {
  let engines: [String]
  let layers: [String]
  let rowsOfEngines: [Row]
  let rowsOfLayers: [Row]

  init(_ names: [String]) {
    let rows = Set(names.compactMap(Row.init))
    let kinds = names.filter { Row(rawValue: $0) == nil }
    func chosen(_ all: [Row]) -> [Row] { rows.isEmpty ? all : all.filter(rows.contains) }
    rowsOfEngines = chosen(Row.ofEngines)
    rowsOfLayers = chosen(LayerWorkload.rows)
    let known = LayerKind.all.map(\.name)
    let (ofLayers, ofEngines) = (
      kinds.filter(known.contains), kinds.filter { !known.contains($0) }
    )
    layers = rowsOfLayers.isEmpty ? [] : kinds.isEmpty ? known : ofLayers
    engines = rowsOfEngines.isEmpty ? [] : kinds.isEmpty ? EngineKinds.usual : ofEngines
  }
}

extension Row {
  /// What is measured of engines.
  static let ofEngines = allCases.filter { !LayerWorkload.rows.contains($0) }
}
