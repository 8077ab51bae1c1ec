// SPDX-License-Identifier: Apache-2.0

import Foundation
import Workloads

/// A picture of a comparison: for each row a bar of each engine, the best of them full length.
struct Chart {
  let comparison: Comparison

  private static let colours = [
    "#0b7285", "#f08c00", "#868e96", "#9c36b5", "#2b8a3e", "#c92a2a", "#1864ab", "#5c940d",
  ]
  private static let left = 300.0
  private static let width = 420.0
  private static let bar = 9.0
  private static let gap = 14.0

  /// The picture, as SVG.
  var svg: String {
    let rows = comparison.rows.filter { row in
      comparison.engines.contains { comparison.median(row, of: $0) != nil }
    }
    let height = Self.bar * Double(comparison.engines.count) + Self.gap
    let top = 60.0
    var lines = [
      """
      <svg xmlns="http://www.w3.org/2000/svg" width="860" height="\(Int(top + height * Double(rows.count) + 10))" \
      font-family="sans-serif" font-size="11">
      """,
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
      text(10, 20, "Each row: the best engine has the full length; longer is better", size: 13),
    ]
    lines += legend
    for (position, row) in rows.enumerated() {
      lines += bars(row, top + height * Double(position))
    }
    return lines.joined(separator: "\n") + "\n</svg>\n"
  }

  private var legend: [String] {
    comparison.engines.enumerated().flatMap { position, engine in
      let x = 10 + 140 * Double(position)
      return [
        rectangle(x, 32, 10, 10, Self.colours[position % Self.colours.count]),
        text(x + 15, 41, engine),
      ]
    }
  }

  private func bars(_ row: Row, _ y: Double) -> [String] {
    let values = comparison.engines.map { comparison.median(row, of: $0) }
    let known = values.compactMap { $0 }
    guard let best = row.unit.isRate ? known.max() : known.min() else { return [] }
    var lines = [text(10, y + 12, "\(row.rawValue)  \(row.title)")]
    for (position, value) in values.enumerated() {
      guard let value else { continue }
      let share = row.unit.isRate ? value / best : best / value
      let top = y + Self.bar * Double(position)
      let colour = Self.colours[position % Self.colours.count]
      lines.append(rectangle(Self.left, top, max(1, share * Self.width), Self.bar - 1, colour))
      let label = row.unit.text(value)
      lines.append(text(Self.left + share * Self.width + 4, top + 8, label, size: 9))
    }
    return lines
  }

  private func rectangle(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ colour: String
  ) -> String {
    String(
      format: "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"", x, y, width,
      height) + colour + "\"/>"
  }

  private func text(_ x: Double, _ y: Double, _ words: String, size: Int = 11) -> String {
    let escaped = words.replacingOccurrences(of: "&", with: "&amp;")
      .replacingOccurrences(of: "<", with: "&lt;")
    return String(format: "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%d\">", x, y, size) + escaped
      + "</text>"
  }
}
