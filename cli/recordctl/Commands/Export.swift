// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Records

/// `recordctl export`.
struct Export: StoreCommand {
  /// The spellings of `--format`.
  enum Format: String, CaseIterable, ExpressibleByArgument, Sendable {
    case jsonl, json, csv

    fileprivate var exportFormat: ExportFormat {
      switch self {
      case .jsonl: .jsonLines
      case .json: .json
      case .csv: .csv
      }
    }
  }

  static let configuration = CommandConfiguration(
    abstract: "Write records in key order, so that two exports can be compared byte for byte.",
    discussion: "Without a collection all are written, and each record names its own.")

  @Argument(help: "The collection (default: all).")
  var collection: String?

  @Option(help: "jsonl, json or csv (default: as the file's extension says, else jsonl).")
  var format: Format?

  @Option(
    name: [.customShort("o"), .long],
    help: ArgumentHelp("Write to this file instead of standard output.", valueName: "file"))
  var outputFile: String?

  @OptionGroup var common: CommonOptions

  func execute(in context: Context) throws -> ExitStatus {
    let store = try context.openToRead()
    defer { try? store.close() }
    let output = try OutputFile(path: outputFile, mayBeCut: outputFile == nil)
    let progress = context.progress("export", counting: "records")
    defer { progress.finish() }
    let count = try store.read { reader in
      if let collection { try context.tellIfEmpty(collection, reader) }
      let total = try recordCount(reader)
      return try reader.export(collection, as: chosenFormat.exportFormat, to: output.write) {
        done in
        progress.update(done: done, of: total)
        try context.interruption.check()
      }
    }
    try output.finish()
    progress.finish()
    if let outputFile, !output.isStandardOutput {
      try context.report(["file": .text(outputFile), "records": .unsigned(count)])
    }
    return .success
  }

  private var chosenFormat: Format {
    format ?? outputFile.flatMap(FileNames.lowercasedExtension).flatMap(Format.init) ?? .jsonl
  }

  private func recordCount(_ reader: RecordSnapshot) throws -> UInt64 {
    let collections = try collection.map { [$0] } ?? reader.collections()
    return try collections.reduce(0) { try $0 + reader.count(of: $1) }
  }
}
