// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

/// How records are written as text.
public enum ExportFormat: Sendable {
  /// One JSON object a line.
  case jsonLines
  /// One JSON array of objects.
  case json
  /// Comma-separated values with a header. Cells are text, values that are not become JSON; so it
  /// is for reading by others, not for importing exactly.
  case csv
}

extension RecordReader {
  /// Writes records as text, in key order: equal records always give equal bytes.
  ///
  /// Every record begins with `_key`. Without a collection all are written, ordered by name, and
  /// each record has its collection as `_collection` behind the key. What is written as JSON is
  /// imported again exactly.
  ///
  /// - Parameters:
  ///   - collection: The collection; `nil` for all.
  ///   - format: How.
  ///   - write: Takes the text piece by piece.
  ///   - progress: Is told how many records are written.
  /// - Returns: How many records were written.
  @discardableResult
  public func export(
    _ collection: String? = nil, as format: ExportFormat = .jsonLines,
    to write: ([UInt8]) throws -> Void, progress: (UInt64) throws -> Void = { _ in }
  ) throws -> UInt64 {
    let collections = try collection.map { [$0] } ?? collections()
    var output = ExportOutput(namesCollection: collection == nil)
    switch format {
    case .jsonLines:
      for name in collections { try exportLines(name, &output, write, progress) }
    case .json:
      for name in collections { try exportElements(name, &output, write, progress) }
      output.endArray()
    case .csv:
      let columns = try columnNames(of: collections)
      output.appendHeader(columns)
      for name in collections { try exportRows(name, columns, &output, write, progress) }
    }
    try output.flush(write, progress)
    return output.records
  }

  private func exportLines(
    _ collection: String, _ output: inout ExportOutput, _ write: ([UInt8]) throws -> Void,
    _ progress: (UInt64) throws -> Void
  ) throws {
    try forEachView(in: collection) { view, key in
      try output.appendObject(view, key: key, collection)
      output.bytes.append(TextByte.newline)
      try output.countRecord(write, progress)
    }
  }

  private func exportElements(
    _ collection: String, _ output: inout ExportOutput, _ write: ([UInt8]) throws -> Void,
    _ progress: (UInt64) throws -> Void
  ) throws {
    try forEachView(in: collection) { view, key in
      output.bytes.append(contentsOf: (output.records == 0 ? "[\n" : ",\n").utf8)
      try output.appendObject(view, key: key, collection)
      try output.countRecord(write, progress)
    }
  }

  private func exportRows(
    _ collection: String, _ columns: [[UInt8]], _ output: inout ExportOutput,
    _ write: ([UInt8]) throws -> Void, _ progress: (UInt64) throws -> Void
  ) throws {
    try forEachView(in: collection) { view, key in
      try output.appendRow(view, key: key, collection, columns)
      try output.countRecord(write, progress)
    }
  }

  /// Passes on what readers see of each record, with its key in ordered bytes.
  private func forEachView(
    in collection: String, _ body: (RecordView, [UInt8]) throws -> Void
  ) throws {
    var records = try records(in: collection)
    while try records.advance() { try body(records.current, records.key) }
  }

  /// The names of all fields, ordered by bytes, as text items.
  private func columnNames(of collections: [String]) throws -> [[UInt8]] {
    var names: Set<[UInt8]> = []
    for collection in collections {
      try forEachView(in: collection) { view, _ in
        view.forEachField { field in
          let name = Array(view.bytes[field.name])
          if !names.contains(name) { names.insert(name) }
        }
      }
    }
    return names.sorted { left, right in
      compareTextItems(left.span, 0..<left.count, right.span, 0..<right.count) < 0
    }
  }
}

/// Text on its way out.
private struct ExportOutput {
  var bytes: [UInt8] = []
  private(set) var records: UInt64 = 0
  private let namesCollection: Bool
  private static let chunkBytes = 256 << 10
  private static let progressInterval: UInt64 = 4096

  init(namesCollection: Bool) {
    self.namesCollection = namesCollection
    bytes.reserveCapacity(Self.chunkBytes + 4096)
  }

  mutating func appendObject(_ view: RecordView, key: [UInt8], _ collection: String) throws {
    do throws(ItemFault) {
      try RecordText.appendObject(
        view, key: key, collection: namesCollection ? collection : nil, to: &bytes)
    } catch {
      throw RecordStoreError.corruptRecord(collection, key, error)
    }
  }

  mutating func endArray() {
    bytes.append(contentsOf: (records == 0 ? "[]\n" : "\n]\n").utf8)
  }

  mutating func appendHeader(_ columns: [[UInt8]]) {
    bytes.append(contentsOf: RecordMember.keyBytes)
    if namesCollection {
      bytes.append(TextByte.comma)
      bytes.append(contentsOf: RecordMember.collectionBytes)
    }
    for column in columns {
      bytes.append(TextByte.comma)
      CSVWriter.appendCell(
        column.span, ItemText.range(of: column, 0..<column.count), to: &bytes)
    }
    bytes.append(TextByte.newline)
  }

  mutating func appendRow(
    _ view: RecordView, key: [UInt8], _ collection: String, _ columns: [[UInt8]]
  ) throws {
    RecordText.appendKeyCell(key, to: &bytes)
    if namesCollection {
      bytes.append(TextByte.comma)
      let name = Array(collection.utf8)
      CSVWriter.appendCell(name.span, 0..<name.count, to: &bytes)
    }
    var column = 0
    do throws(ItemFault) {
      try view.forEachField { (field) throws(ItemFault) in
        let name = view.bytes[field.name]
        while column < columns.count, !columns[column].elementsEqual(name) {
          bytes.append(TextByte.comma)
          column += 1
        }
        bytes.append(TextByte.comma)
        column += 1
        try appendCell(view, field.value)
      }
    } catch {
      throw RecordStoreError.corruptRecord(collection, key, error)
    }
    while column < columns.count {
      bytes.append(TextByte.comma)
      column += 1
    }
    bytes.append(TextByte.newline)
  }

  /// Appends a text as it is, anything else as JSON.
  private mutating func appendCell(
    _ view: RecordView, _ value: Range<Int>
  ) throws(ItemFault) {
    if view.bytes[value.lowerBound] >> 5 == ItemType.text {
      CSVWriter.appendCell(view.bytes.span, ItemText.range(of: view.bytes, value), to: &bytes)
      return
    }
    var json: [UInt8] = []
    var cursor = ItemCursor(at: value.lowerBound, end: value.upperBound)
    try JSONWriter.write(view.bytes.span, &cursor, into: &json)
    CSVWriter.appendCell(json.span, 0..<json.count, to: &bytes)
  }

  /// Counts a record, and writes what has gathered when that is enough.
  mutating func countRecord(
    _ write: ([UInt8]) throws -> Void, _ progress: (UInt64) throws -> Void
  ) throws {
    records += 1
    if bytes.count >= Self.chunkBytes {
      try write(bytes)
      bytes.removeAll(keepingCapacity: true)
    }
    if records % Self.progressInterval == 0 { try progress(records) }
  }

  mutating func flush(
    _ write: ([UInt8]) throws -> Void, _ progress: (UInt64) throws -> Void
  ) throws {
    if !bytes.isEmpty { try write(bytes) }
    bytes.removeAll()
    try progress(records)
  }
}
