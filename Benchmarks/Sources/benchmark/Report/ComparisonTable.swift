// SPDX-License-Identifier: Apache-2.0

import Foundation
import Workloads

extension Comparison {
  /// Tables for people, in Markdown.
  var tables: String {
    var lines = [
      "\(size) \(records), \(rounds) rounds, interleaved, medians;"
        + " flush floor \(Row.Unit.seconds.text(floor)).", "",
    ]
    if !isValid {
      lines += [
        "**Not valid:** something else used \(Int(busyShare * 100)) % of the machine.", "",
      ]
    }
    lines += valueTable + [""] + goalTable + [""] + costTable
    return lines.joined(separator: "\n") + "\n"
  }

  private var valueTable: [String] {
    let columns = engines
    return [
      "| | Row | " + columns.joined(separator: " | ") + " |",
      "|---|---|" + String(repeating: "---:|", count: columns.count),
    ]
      + rows.map { row in
        let cells = columns.map { engine in
          guard let value = median(row, of: engine) else { return "–" }
          return row.unit.text(value) + Self.spread(values(row, of: engine))
        }
        return "| \(row.rawValue) | \(row.title) | " + cells.joined(separator: " | ") + " |"
      }
  }

  private var goalTable: [String] {
    ["| | Against the best peer | Goal | Seen | |", "|---|---:|---|---:|---|"]
      + rows.compactMap { row in
        guard let goal = row.goal, let result = result(row) else { return nil }
        let ratio = ratio(row).map { String(format: "%.2f ×", $0) } ?? "–"
        let seen = result.numbers.map { $0.isNaN ? "–" : String(format: "%.3g", $0) }
          .joined(separator: ", ")
        return "| \(row.rawValue) | \(ratio) | \(goal.text) | \(seen) | "
          + (result.isReached ? "reached |" : "**missed** |")
      }
  }

  /// Flushes of the device and bytes written in the rows that write, the last round.
  private var costTable: [String] {
    let columns = engines
    let writing: [Row] = [
      .loadRandom, .loadSorted, .commit, .commitsOfThousand, .commitsOfEightThreads,
      .commitsOfManyThreads, .commitUnflushed, .deleteHalf, .twoPhases,
      .twoPhasesOfEightThreads, .indexInsert, .indexDelete, .segmentInsert, .segmentUpdate,
      .segmentInsertLarge, .segmentUpdateLarge, .modelsInsert, .modelsCommit,
      .modelsCommitUnflushed,
    ]
    return [
      "| Flushes; MB written | " + columns.joined(separator: " | ") + " |",
      "|---|" + String(repeating: "---:|", count: columns.count),
    ]
      + writing.filter(rows.contains).map { row in
        let cells = columns.map { engine in
          guard let figure = figures(row, of: engine).last else { return "–" }
          return "\(figure.flushes); \(figure.bytesWritten / 1_000_000)"
        }
        return "| \(row.rawValue) | " + cells.joined(separator: " | ") + " |"
      }
  }

  /// Half the distance between the best and the worst round, in percent.
  private static func spread(_ values: [Double]) -> String {
    guard let least = values.min(), let most = values.max(), values.count > 1, most > 0 else {
      return ""
    }
    return String(format: " ±%.0f %%", (most - least) / Report.median(values) * 50)
  }
}
