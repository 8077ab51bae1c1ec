// SPDX-License-Identifier: Apache-2.0

import Foundation
import Workloads

/// What all engines, or all record layers, came to in one run.
struct Comparison: Codable {
  /// What is measured of them.
  let rows: [Row]
  /// Records of the load.
  let size: Int
  /// What the records are.
  let records: String
  let rounds: Int
  /// The most that something else used of the machine just before an engine ran.
  var busyShare: Double
  var measurements: [EngineMeasurement]

  /// Whether the figures count.
  var isValid: Bool { busyShare <= MachineLoad.limit }

  /// The engines, the store's own first.
  var engines: [String] {
    measurements.reduce(into: []) { names, measurement in
      if !names.contains(measurement.engine) { names.append(measurement.engine) }
    }
  }

  /// Seconds of the least durable write, over the whole run.
  var floor: Double { Report.median(measurements.flatMap(\.floor)) }

  /// Every round's value of a row.
  func values(_ row: Row, of engine: String) -> [Double] {
    figures(row, of: engine).map(\.value)
  }

  func figures(_ row: Row, of engine: String) -> [Figure] {
    measurements.filter { $0.engine == engine }.flatMap(\.figures).filter { $0.row == row }
  }

  /// The median of a row; `nil` where it was not measured.
  func median(_ row: Row, of engine: String) -> Double? {
    let values = values(row, of: engine)
    return values.isEmpty ? nil : Report.median(values)
  }

  /// How many times as good as the best peer the store's own engine is; more is better.
  ///
  /// Of all peers, or of those whose names begin so.
  func ratio(_ row: Row, to name: String = "") -> Double? {
    guard let own = engines.first.flatMap({ median(row, of: $0) }) else { return nil }
    let peers = engines.dropFirst().filter { $0.hasPrefix(name) }
      .compactMap { median(row, of: $0) }
    guard let best = row.unit.isRate ? peers.max() : peers.min() else { return nil }
    return row.unit.isRate ? own / best : best / own
  }

  /// Whether the goal of a row is reached, and the numbers that say so.
  func result(_ row: Row) -> (numbers: [Double], isReached: Bool)? {
    guard let goal = row.goal, let own = engines.first.flatMap({ median(row, of: $0) }) else {
      return nil
    }
    switch goal {
    case .timesBestPeer(let factor): return ratio(row).map { ([$0], $0 >= factor) }
    case .timesPeers(let peers):
      let ratios = peers.map { ratio(row, to: $0.name) }
      // A peer that was not measured proves nothing.
      guard ratios.contains(where: { $0 != nil }) else { return nil }
      let isReached = zip(peers, ratios).allSatisfy { peer, ratio in
        ratio.map { $0 >= peer.factor } ?? false
      }
      return (ratios.map { $0 ?? .nan }, isReached)
    case .timesFloor(let factor): return ([own / floor], own / floor <= factor)
    case .atMost(let limit): return ([own], own <= limit)
    case .atLeast(let limit): return ([own], own >= limit)
    }
  }
}
