// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

/// Reads the rows of a CSV file as records: cells are text, an empty cell is absent.
struct CSVSource: RecordSource {
  private var window: InputWindow
  private var parser: CSVParser
  private let members: RecordMembers
  private let givenColumns: [String]?
  private var columns: CSVColumns?

  init(_ window: InputWindow, _ members: RecordMembers, delimiter: UInt8, columns: [String]?) {
    self.window = window
    self.members = members
    parser = CSVParser(delimiter: delimiter)
    givenColumns = columns
  }

  var consumed: UInt64 { window.consumed }

  mutating func fill(_ batch: inout RecordBatch, upTo count: Int) throws -> Bool {
    let columns = try columns ?? readColumns()
    while batch.entries.count < count, !batch.isFull {
      guard try nextRow() else { return false }
      try columns.append(
        parser.cells, of: window.bytes.span, to: &batch, line: parser.rowLine)
    }
    return true
  }

  /// Reads the next row; false at the end of the input.
  private mutating func nextRow() throws -> Bool {
    while true {
      parser.offset = window.start
      let outcome = try window.parseRow(&parser)
      window.consume(upTo: parser.offset)
      window.line = UInt64(parser.line)
      switch outcome {
      case .row: return true
      case .end: return false
      case .incomplete: try window.fill()
      }
    }
  }

  private mutating func readColumns() throws -> CSVColumns {
    var names = givenColumns ?? []
    let line = parser.line
    if givenColumns == nil {
      guard try nextRow() else { throw CSVError(problem: .missingHeader, line: line) }
      names = try parser.cells.map { cell in
        // The file would be one line, of which nothing is imported.
        if window.bytes.span.hasBareCarriageReturn(cell) {
          throw CSVError(problem: .carriageReturns, line: line)
        }
        let bytes = parser.text(of: cell, in: window.bytes.span)
        guard let name = String(validating: bytes, as: UTF8.self) else {
          throw CSVError(problem: .invalidUTF8, line: line)
        }
        return name
      }
    }
    let made = try CSVColumns(names, members, line: line)
    columns = made
    return made
  }
}

extension InputWindow {
  /// Reads a row, without being done with its bytes.
  fileprivate func parseRow(_ parser: inout CSVParser) throws(CSVError) -> CSVParser.Outcome {
    try parser.parseRow(bytes.span, isFinal: isAtEnd)
  }
}

extension Span<UInt8> {
  /// Whether a cell that is not quoted has a CR inside.
  fileprivate func hasBareCarriageReturn(_ cell: CSVParser.Cell) -> Bool {
    let start = cell.range.lowerBound
    if start > 0, self[start - 1] == TextByte.quote { return false }
    return cell.range.contains { self[$0] == TextByte.carriageReturn }
  }
}

/// The columns of a CSV file, prepared for its rows.
struct CSVColumns {
  /// A column that becomes a field.
  private struct Column {
    let slot: Int
    /// The name as a text item.
    let name: [UInt8]
  }

  /// The columns that become fields, ordered by name.
  private var fields: [Column] = []
  private let count: Int
  private let keySlot: Int
  /// The column with the name of the collection, if there is one.
  private let collectionSlot: Int?
  private let members: RecordMembers

  init(_ names: [String], _ members: RecordMembers, line: Int) throws {
    count = names.count
    self.members = members
    let key = String(decoding: members.keyName, as: UTF8.self)
    collectionSlot = names.firstIndex { $0.utf8.elementsEqual(RecordMember.collectionBytes) }
    var seen: Set<ByteText> = []
    for (slot, name) in names.enumerated() {
      if name.isEmpty { throw CSVError(problem: .unnamedColumn(slot + 1), line: line) }
      guard seen.insert(ByteText(name)).inserted else {
        throw CSVError(problem: .duplicateColumn(name), line: line)
      }
      guard name.utf8.count <= JournalLimits.fieldNameBytes else {
        throw ImportError(
          problem: .fieldName(length: name.utf8.count, limit: JournalLimits.fieldNameBytes),
          line: UInt64(line))
      }
    }
    guard let keySlot = names.firstIndex(where: { ByteOrder.equal($0, key) }) else {
      throw CSVError(problem: .missingKeyColumn(key), line: line)
    }
    self.keySlot = keySlot
    let order = names.indices.sorted { ByteOrder.precedes(names[$0], names[$1]) }
    for slot in order where slot != keySlot || members.keepsKeyField {
      if RecordMember.isReserved(names[slot]) { continue }
      var item: [UInt8] = []
      item.appendText(names[slot])
      fields.append(Column(slot: slot, name: item))
    }
  }

  /// Adds a row to a batch.
  func append(
    _ cells: [CSVParser.Cell], of bytes: Span<UInt8>, to batch: inout RecordBatch, line: Int
  ) throws {
    guard cells.count == count else {
      if cells.contains(where: { bytes.hasBareCarriageReturn($0) }) {
        throw CSVError(problem: .carriageReturns, line: line)
      }
      throw CSVError(problem: .raggedRow(cells: cells.count, columns: count), line: line)
    }
    let firstField = batch.fields.count
    let mark = batch.bytes.count
    for column in fields where !cells[column.slot].range.isEmpty {
      let start = batch.bytes.count
      batch.bytes.append(column.name.span, 0..<column.name.count)
      let valueStart = batch.bytes.count
      CSVParser.appendText(of: cells[column.slot], in: bytes, to: &batch.bytes)
      batch.fields.append(
        RecordBatch.Field(
          start: UInt32(start), valueStart: UInt32(valueStart), end: UInt32(batch.bytes.count)))
    }
    do {
      try appendEntry(cells, of: bytes, to: &batch, firstField, line)
      if UTF8Scan.firstFault(batch.bytes.span, inTextsOf: batch, from: firstField) {
        batch.entries.removeLast()
        throw CSVError(problem: .invalidUTF8, line: line)
      }
    } catch {
      batch.bytes.removeSubrange(mark...)
      batch.fields.removeSubrange(firstField...)
      throw error
    }
  }

  private func appendEntry(
    _ cells: [CSVParser.Cell], of bytes: Span<UInt8>, to batch: inout RecordBatch,
    _ firstField: Int, _ line: Int
  ) throws {
    let line = UInt64(line)
    var named: Range<Int>?
    if let collectionSlot, !cells[collectionSlot].range.isEmpty {
      let item = batch.bytes.count
      CSVParser.appendText(of: cells[collectionSlot], in: bytes, to: &batch.bytes)
      named = item..<batch.bytes.count
    }
    let collection: UInt32
    do {
      collection = try batch.takeCollection(named, members)
    } catch {
      throw error.located(in: bytes, from: 0, line: line)
    }
    guard !cells[keySlot].range.isEmpty else {
      let name = String(decoding: members.keyName, as: UTF8.self)
      throw ImportError(problem: .key(.missing(field: name)), line: line)
    }
    let item = batch.bytes.count
    CSVParser.appendText(of: cells[keySlot], in: bytes, to: &batch.bytes)
    let key: Range<Int>
    do throws(KeyProblem) {
      key = try KeyBytes.append(itemAt: item..<batch.bytes.count, in: &batch.bytes)
    } catch {
      throw ImportError(problem: .key(error), line: line)
    }
    guard UTF8Scan.firstFault(batch.bytes.span, in: key.dropFirst()) == nil else {
      throw CSVError(problem: .invalidUTF8, line: Int(clamping: line))
    }
    batch.entries.append(
      RecordBatch.Entry(
        keyStart: UInt32(key.lowerBound), keyEnd: UInt32(key.upperBound),
        firstField: UInt32(firstField), endField: UInt32(batch.fields.count),
        collection: collection, line: line))
  }
}

extension UTF8Scan {
  /// Whether one of the text values of the fields from `first` on is not UTF-8.
  fileprivate static func firstFault(
    _ bytes: Span<UInt8>, inTextsOf batch: RecordBatch, from first: Int
  ) -> Bool {
    for field in batch.fields[first...] {
      if firstFault(bytes, in: ItemText.range(of: batch.bytes, field.value)) != nil { return true }
    }
    return false
  }
}

extension CSVParser {
  /// Appends the characters of a cell as a text item.
  @inline(__always)
  static func appendText(of cell: Cell, in bytes: Span<UInt8>, to output: inout [UInt8]) {
    if cell.hasDoubledQuotes {
      let text = text(of: cell, in: bytes)
      output.appendHead(ItemType.text, UInt64(text.count))
      output.append(contentsOf: text)
    } else {
      output.appendHead(ItemType.text, UInt64(cell.range.count))
      output.append(bytes, cell.range)
    }
  }

  /// The characters of a cell.
  static func text(of cell: Cell, in bytes: Span<UInt8>) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(cell.range.count)
    var index = cell.range.lowerBound
    while index < cell.range.upperBound {
      text.append(bytes[index])
      // Of two quotes inside a quoted cell one is meant.
      index += cell.hasDoubledQuotes && bytes[index] == TextByte.quote ? 2 : 1
    }
    return text
  }

  func text(of cell: Cell, in bytes: Span<UInt8>) -> [UInt8] {
    Self.text(of: cell, in: bytes)
  }
}
