// SPDX-License-Identifier: Apache-2.0

public import ChangeJournal

extension StoredRecord {
  /// The record as one JSON object on one line, `_key` first, as import reads it.
  public var json: [UInt8] {
    var text = RecordMember.objectHead
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
