// SPDX-License-Identifier: Apache-2.0

public import ChangeJournal

extension StoredRecord {
  /// Reads the fields of one record from the text of a JSON object.
  ///
  /// `_key` and `_collection`, with which printed records begin, are left out.
  public static func fields(fromJSON text: [UInt8]) throws(JSONError) -> [Field] {
    var parser = JSONParser()
    var encoded: [UInt8] = []
    do throws(JSONFault) {
      let first = try parser.skipSpace(text.span)
      guard first == UInt8(ascii: "{") else { throw parser.unexpected(first, "an object") }
      // Literally: a record whose only field is named `$bytes` is a record.
      _ = try parser.parseObject(text.span, into: &encoded, literal: true)
      try parser.expectEnd(text.span)
    } catch {
      throw error.located(in: text.span)
    }
    guard let value = try? Value(decoding: encoded), case .map(let map) = value else {
      let problem = JSONError.Problem.invalidWrapper("the object stands for something else")
      throw JSONError(problem: problem, line: 1, column: 1)
    }
    return map.entries.filter { !FieldRules.isReserved($0.key) }
      .map { Field($0.key, $0.value) }
      .sorted { ByteOrder.precedes($0.name, $1.name) }
  }

  /// The record as one JSON object on one line, `_key` first, as import reads it.
  public var json: [UInt8] {
    var text = Array(#"{"_key":"#.utf8)
    text += key.json
    for field in fields {
      text.append(UInt8(ascii: ","))
      text += Value.text(field.name).json
      text.append(UInt8(ascii: ":"))
      text += field.value.json
    }
    text.append(UInt8(ascii: "}"))
    return text
  }
}

extension RecordKey {
  /// The key as JSON; a UUID is `{"$uuid":"<text>"}`.
  public var json: [UInt8] {
    switch self {
    case .integer(let number): Value.integer(number).json
    case .text(let text): Value.text(text).json
    case .uuid(let uuid): Array(#"{"$uuid":"\#(uuid)"}"#.utf8)
    }
  }
}

extension Value {
  /// The value as JSON, as import reads it back; a byte string is `{"$bytes":"<base64>"}`.
  public var json: [UInt8] {
    guard let encoded = try? encoded() else { return Array("null".utf8) }
    var cursor = ItemCursor(end: encoded.count)
    var text: [UInt8] = []
    guard (try? JSONWriter.write(encoded.span, &cursor, into: &text)) != nil else {
      return Array("null".utf8)
    }
    return text
  }
}
