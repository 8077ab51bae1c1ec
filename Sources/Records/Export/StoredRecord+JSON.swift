// SPDX-License-Identifier: Apache-2.0

public import ChangeJournal

extension StoredRecord {
  /// The record as `export` writes it: one JSON object without spaces, `_key` first.
  ///
  /// - Throws: `CodingError` for a value that cannot be stored, such as an infinite number.
  public func json() throws -> [UInt8] {
    var output = Array(#"{"_key":"#.utf8)
    RecordText.appendKey(key.orderedBytes, to: &output)
    for field in fields {
      output.append(UInt8(ascii: ","))
      let name = Array(field.name.utf8)
      JSONWriter.writeString(name.span, 0..<name.count, into: &output)
      output.append(UInt8(ascii: ":"))
      output.append(contentsOf: try field.value.json())
    }
    output.append(UInt8(ascii: "}"))
    return output
  }

  /// Reads the fields of a record from the text of one JSON object.
  ///
  /// A member `_key`, as printed records have it, must be the key of the record the fields are
  /// for; `_collection` is passed over.
  ///
  /// - Throws: `JSONError`, `RecordStoreError`.
  public static func fields(json text: [UInt8], for key: RecordKey) throws -> [Field] {
    var parser = JSONParser()
    var output: [UInt8] = []
    do throws(JSONFault) {
      let brace = try parser.skipSpace(text.span)
      guard brace == UInt8(ascii: "{") else { throw parser.unexpected(brace, "an object") }
      // Literally: a record with the single field `$bytes` is a record.
      _ = try parser.parseObject(text.span, into: &output, literal: true)
      try parser.expectEnd(text.span)
    } catch {
      throw error.located(in: text.span)
    }
    guard case .map(let members) = try Value(decoding: output) else { return [] }
    var fields: [Field] = []
    for member in members.entries {
      if ByteOrder.equal(member.key, "_key") {
        guard RecordKey(jsonValue: member.value) == key else {
          throw RecordStoreError.otherKey(given: "\(key)")
        }
      } else if !FieldRules.isReserved(member.key) {
        fields.append(Field(member.key, member.value))
      }
    }
    return fields.sorted { ByteOrder.precedes($0.name, $1.name) }
  }
}

extension RecordKey {
  /// The key that a value means as `_key` in JSON: text, an integer, or `{"$uuid":"…"}`; `nil` for
  /// anything else.
  public init?(jsonValue value: Value) {
    switch value {
    case .integer(let number): self = .integer(number)
    case .text(let text): self = .text(text)
    case .map(let map):
      guard map.entries.count == 1, case .text(let text) = map["$uuid"],
        let uuid = UUIDBytes(text)
      else { return nil }
      self = .uuid(uuid)
    default: return nil
    }
  }
}

extension Value {
  /// The value as JSON text without spaces.
  ///
  /// Byte strings become `{"$bytes":"<base64>"}`, and a map that would look like that is wrapped
  /// as `{"$map":{…}}`; doubles always have a point or an exponent. `init(json:)` reads the very
  /// same value back.
  ///
  /// - Throws: `CodingError` for a value that cannot be stored.
  public func json() throws -> [UInt8] {
    let bytes = try encoded()
    var cursor = ItemCursor(end: bytes.count)
    var output: [UInt8] = []
    do throws(ItemFault) {
      try JSONWriter.write(bytes.span, &cursor, into: &output)
    } catch {
      throw CodingError(offset: error.offset, problem: .malformed(error.problem))
    }
    return output
  }

  /// Reads a value from JSON text.
  ///
  /// - Throws: `JSONError`.
  public init(json text: [UInt8]) throws {
    var parser = JSONParser()
    var output: [UInt8] = []
    do throws(JSONFault) {
      try parser.parseValue(text.span, into: &output)
      try parser.expectEnd(text.span)
    } catch {
      throw error.located(in: text.span)
    }
    self = try Value(decoding: output)
  }
}
