// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The figures of one run, with the ratios that carry over to other machines.
struct Report: Codable {
  struct Row: Codable {
    let name: String
    /// The median of all rounds.
    let value: Double
    let unit: String
    /// Every round.
    let rounds: [Double]
  }

  struct Ratio: Codable {
    let name: String
    let value: Double
    /// What the ratio should be at least, or at most.
    let goal: String
    let isReached: Bool
  }

  private(set) var rows: [Row] = []
  private(set) var ratios: [Ratio] = []

  mutating func add(_ name: String, _ rounds: [Double], _ unit: String) {
    rows.append(Row(name: name, value: Self.median(rounds), unit: unit, rounds: rounds))
  }

  mutating func add(ratio name: String, _ value: Double, atLeast goal: Double) {
    ratios.append(
      Ratio(name: name, value: value, goal: "at least \(goal)", isReached: value >= goal))
  }

  mutating func add(ratio name: String, _ value: Double, atMost goal: Double) {
    ratios.append(
      Ratio(name: name, value: value, goal: "at most \(goal)", isReached: value <= goal))
  }

  /// The median of a row.
  func value(_ name: String) -> Double { rows.first { $0.name == name }?.value ?? .nan }

  static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    guard !sorted.isEmpty else { return .nan }
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }

  /// A table for people, in Markdown.
  var table: String {
    var lines = ["| Measured | Median | Rounds |", "|---|---:|---|"]
    for row in rows {
      let rounds = row.rounds.map(Self.text).joined(separator: ", ")
      lines.append("| \(row.name) | \(Self.text(row.value)) \(row.unit) | \(rounds) |")
    }
    lines += ["", "| Ratio | Value | Goal | |", "|---|---:|---|---|"]
    for ratio in ratios {
      lines.append(
        "| \(ratio.name) | \(Self.text(ratio.value)) | \(ratio.goal) | "
          + (ratio.isReached ? "reached |" : "missed |"))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func text(_ value: Double) -> String {
    value.magnitude >= 1000
      ? String(format: "%.0f", value)
      : value.magnitude >= 10 ? String(format: "%.1f", value) : String(format: "%.3f", value)
  }
}
