// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Workloads

/// `recordctl bench`.
struct Bench: StoreCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure the engine on this machine and this disk.",
    discussion: """
      Makes stores of its own in a new folder inside the one given, and deletes them again; 200,000 \
      records take a minute or two and three gigabytes. What else the machine does meanwhile counts. The \
      flush floor is what one durable write takes on this disk. The rows are those of 'make bench', where \
      other engines stand beside this one.
      """)

  @Option(help: ArgumentHelp("Where to measure.", valueName: "path"))
  var folder = "."

  @Option(help: ArgumentHelp("Records that are loaded.", valueName: "number"))
  var records = 200_000

  @Option(help: ArgumentHelp("Only these rows: W3,W7.", valueName: "names"))
  var rows: String?

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (1000...50_000_000).contains(records) else {
      throw ValidationError("--records is a number from 1000 to 50000000")
    }
    if folder.isEmpty { throw ValidationError("--folder is empty") }
    _ = try chosenRows()
  }

  /// The rows of each number; all, unless some are named.
  private func chosenRows() throws -> Set<Row> {
    guard let rows else { return EngineWorkload.rows }
    let names = rows.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    guard !names.isEmpty else { throw ValidationError("--rows is empty") }
    return try names.reduce(into: []) { chosen, name in
      let named = EngineWorkload.rows.filter { $0.number == name }
      guard !named.isEmpty else {
        let numbers = Set(EngineWorkload.rows.map(\.number))
          .sorted { $0.compare($1, options: .numeric) == .orderedAscending }
          .joined(separator: ", ")
        throw ValidationError("--rows: there is no row '\(name)', but \(numbers)")
      }
      chosen.formUnion(named)
    }
  }

  func execute(in context: Context) throws -> ExitStatus {
    let place = folder + "/bench-" + UUID().uuidString
    try Descriptor.makeFolder(place)
    defer { try? FileManager.default.removeItem(atPath: place) }
    let floor = try FlushFloor.median(at: place + "/floor")
    let figures = try measure(in: place, context)
    if (context.format ?? .text) == .text {
      try printText(floor, figures)
    } else {
      try context.report([
        "folder": .text(folder), "records": Item(records),
        "flushFloorSeconds": Item(number: floor), "rows": .array(figures.map(Item.init(figure:))),
      ])
    }
    return .success
  }

  private func measure(in place: String, _ context: Context) throws -> [Figure] {
    let progress = context.progress("bench", counting: "rows")
    defer { progress.finish() }
    let rows = try chosenRows()
    let total = UInt64(rows.count)
    var begun: UInt64 = 0
    func announce(_ row: Row) throws {
      try context.interruption.check()
      progress.update(done: min(begun, total), of: total)
      begun += 1
    }
    return try EngineWorkload(
      StorageEngineKind(), in: place, size: records, rows: rows, announce: announce
    ).run()
  }

  private func printText(_ floor: Double, _ figures: [Figure]) throws {
    let output = OutputFile()
    var table = Table(headings: ["row", "what", "result"])
    table.append(["", "flush floor", Row.Unit.seconds.text(floor)])
    for figure in figures {
      table.append([figure.row.rawValue, figure.row.title, figure.row.unit.text(figure.value)])
    }
    for line in table.lines { try output.writeLine(line) }
    try output.finish()
  }
}

extension Item {
  /// A number with a fraction.
  fileprivate init(number: Double) {
    self = number.isFinite ? .json(Array("\(number)".utf8)) : .null
  }

  fileprivate init(figure: Figure) {
    self = [
      "row": .text(figure.row.rawValue), "title": .text(figure.row.title),
      "value": Item(number: figure.value), "unit": .text(figure.row.unit.rawValue),
      "flushes": .unsigned(figure.flushes), "bytesWritten": .unsigned(figure.bytesWritten),
    ]
  }
}
