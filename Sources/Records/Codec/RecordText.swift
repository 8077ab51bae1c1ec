// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

/// Writes records as JSON and CSV text.
enum RecordText {
  /// Appends a record as a JSON object: `_key`, then `_collection` if given, then the fields.
  static func appendObject(
    _ view: RecordView, key: [UInt8], collection: String?, to output: inout [UInt8]
  ) throws(ItemFault) {
    output.append(contentsOf: RecordMember.objectHead)
    appendKey(key, to: &output)
    if let collection {
      output.append(contentsOf: RecordMember.collectionHead)
      let name = Array(collection.utf8)
      JSONWriter.writeString(name.span, 0..<name.count, into: &output)
    }
    try view.forEachField { (field) throws(ItemFault) in
      output.append(UInt8(ascii: ","))
      let bytes = view.bytes.span
      JSONWriter.writeString(bytes, ItemText.range(of: view.bytes, field.name), into: &output)
      output.append(UInt8(ascii: ":"))
      var cursor = ItemCursor(at: field.value.lowerBound, end: field.value.upperBound)
      try JSONWriter.write(bytes, &cursor, into: &output)
    }
    output.append(UInt8(ascii: "}"))
  }

  /// Appends a key, given in its ordered bytes, as JSON.
  ///
  /// A UUID key becomes `{"$uuid":"…"}`.
  static func appendKey(_ key: [UInt8], to output: inout [UInt8]) {
    switch key.first {
    case KeyBytes.integerKind: output.append(contentsOf: integer(key).description.utf8)
    case KeyBytes.textKind: JSONWriter.writeString(key.span, 1..<key.count, into: &output)
    default:
      output.append(contentsOf: #"{"$uuid":""#.utf8)
      output.append(contentsOf: uuidText(key).utf8)
      output.append(contentsOf: #""}"#.utf8)
    }
  }

  /// Appends a key, given in its ordered bytes, as a cell of CSV.
  static func appendKeyCell(_ key: [UInt8], to output: inout [UInt8]) {
    switch key.first {
    case KeyBytes.integerKind: output.append(contentsOf: integer(key).description.utf8)
    case KeyBytes.textKind: CSVWriter.appendCell(key.span, 1..<key.count, to: &output)
    default: output.append(contentsOf: uuidText(key).utf8)
    }
  }

  private static func integer(_ key: [UInt8]) -> Int64 {
    let bits = key.dropFirst().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return Int64(bitPattern: bits ^ 1 << 63)
  }

  private static func uuidText(_ key: [UInt8]) -> String {
    UUIDBytes(bytes: key.dropFirst())?.description ?? ""
  }
}

/// Writes cells of CSV (RFC 4180).
enum CSVWriter {
  /// Appends a text, in quotes where it needs them.
  static func appendCell(_ bytes: Span<UInt8>, _ range: Range<Int>, to output: inout [UInt8]) {
    let needsQuotes = range.contains { index in
      switch bytes[index] {
      case TextByte.quote, TextByte.comma, TextByte.newline, TextByte.carriageReturn: true
      default: false
      }
    }
    guard needsQuotes else {
      output.append(bytes, range)
      return
    }
    output.append(TextByte.quote)
    for index in range {
      if bytes[index] == TextByte.quote { output.append(TextByte.quote) }
      output.append(bytes[index])
    }
    output.append(TextByte.quote)
  }
}
