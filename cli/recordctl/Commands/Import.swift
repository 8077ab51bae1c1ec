// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Records

/// `recordctl import`.
struct Import: StoreCommand {
  /// The spellings of `--format`, which are also the extensions of files.
  enum Format: String, CaseIterable, ExpressibleByArgument, Sendable {
    case csv, jsonl, json
  }

  static let configuration = CommandConfiguration(
    abstract: "Read records from CSV, JSON lines or JSON.",
    discussion: """
      Each record replaces the stored one of its key; what is equal is not written again, so that \
      an interrupted import is completed by running it again.
      """)

  @Argument(help: "The file, or - for standard input.")
  var file: String

  @Option(help: ArgumentHelp("Where the records go.", valueName: "name"))
  var collection: String?

  @Option(help: ArgumentHelp("The field to take the key from (default: _key).", valueName: "field"))
  var key: String?

  @Option(help: "csv, jsonl or json (default: as the file's extension says).")
  var format: Format?

  @Option(help: ArgumentHelp("Records in a transaction (default: 10000).", valueName: "n"))
  var batch: Int?

  @Flag(help: "Make it one transaction: all or nothing.")
  var atomic = false

  @Option(help: ArgumentHelp("CSV: what separates cells (default: a comma).", valueName: "c"))
  var delimiter: String?

  @Option(help: ArgumentHelp("CSV without a header: its columns.", valueName: "a,b,c"))
  var columns: String?

  @Option(
    help: ArgumentHelp("JSON: the array inside the document, as in 'a/b'.", valueName: "path"))
  var path: String?

  @OptionGroup var common: CommonOptions

  func validate() throws {
    _ = try options()
  }

  func execute(in context: Context) throws -> ExitStatus {
    let options = try options()
    let store = try RecordStore.open(at: context.store)
    defer { try? store.close() }
    let progress = context.progress("import", counting: "records")
    defer { progress.finish() }
    let file = try InputFile(file, context.interruption)
    let input = file.importInput(path: self.file, context.interruption)
    let done = try store.importRecords(from: input, options) { step in
      progress.update(done: step.records, fraction: file.fraction(ofBytes: step.bytes))
      try context.interruption.check()
    }
    progress.finish()
    try store.close()
    try context.report([
      "file": .text(self.file), "records": .unsigned(done.records),
      "changed": .unsigned(done.written), "transactions": .unsigned(done.transactions),
      "line": .unsigned(done.line),
    ])
    return .success
  }
}

// MARK: - Options

extension Import {
  /// What the library is to do, from what the command line says.
  private func options() throws -> ImportOptions {
    let format = try chosenFormat()
    if atomic && batch != nil { throw ValidationError("--batch and --atomic exclude each other") }
    if let batch, batch < 1 { throw ValidationError("--batch must be at least 1") }
    if key == "" { throw ValidationError("--key is empty") }
    if format != .csv, delimiter != nil || columns != nil {
      throw ValidationError("--delimiter and --columns are for CSV")
    }
    if format != .json, path != nil { throw ValidationError("--path is for JSON") }
    if format == .csv, collection == nil {
      throw ValidationError("--collection is missing: where shall the records go?")
    }
    let keyField = key == "_key" ? nil : key
    var options = ImportOptions(
      try libraryFormat(format), collection: collection, keyField: keyField)
    if let batch { options.batchRecords = batch }
    options.isAtomic = atomic
    return options
  }

  private func chosenFormat() throws -> Format {
    if let format { return format }
    let name = FileNames.lowercasedExtension(file)
    if name == "ndjson" { return .jsonl }
    guard let format = name.flatMap(Format.init) else {
      throw ValidationError("the format of '\(file)' is not known: --format csv, jsonl or json")
    }
    return format
  }

  private func libraryFormat(_ format: Format) throws -> ImportOptions.Format {
    switch format {
    case .jsonl: .jsonLines
    case .json: .json(path: path.map(ImportOptions.path) ?? [])
    case .csv: .csv(delimiter: try delimiterByte(), columns: try columnNames())
    }
  }

  private func delimiterByte() throws -> UInt8 {
    guard let delimiter else { return UInt8(ascii: ",") }
    guard let byte = ImportOptions.delimiter(delimiter) else {
      throw ValidationError("--delimiter must be one ASCII character, and no quote: '\(delimiter)'")
    }
    return byte
  }

  private func columnNames() throws -> [String]? {
    guard let columns else { return nil }
    guard let names = ImportOptions.columns(columns) else {
      throw ValidationError("--columns needs names, each once: '\(columns)'")
    }
    return names
  }
}

extension InputFile {
  /// The file as the library reads it; only an ordinary file can be read a second time.
  func importInput(path: String, _ interruption: Interruption) -> ImportInput {
    var reopen: (@Sendable () throws -> (Int) throws -> [UInt8])?
    if canBeReadAgain {
      reopen = {
        let again = try InputFile(path, interruption)
        return { try again.read(upTo: $0) }
      }
    }
    return ImportInput(name: name, read: { try self.read(upTo: $0) }, reopen: reopen)
  }
}
