// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

/// How the members of a JSON object become a record.
struct RecordMembers {
  /// The member that holds the key.
  let keyName: [UInt8]
  /// Whether the key comes from an ordinary field, which stays one.
  let keepsKeyField: Bool
  /// The collection all records go to; `nil` when each must name one.
  let expectedCollection: [UInt8]?

  /// `nil` names the member `_key`, or means that each record names its collection.
  init(keyField: String?, collection: String?) {
    keyName = keyField.map { Array($0.utf8) } ?? RecordMember.keyBytes
    keepsKeyField = keyName != RecordMember.keyBytes
    expectedCollection = collection.map { Array($0.utf8) }
  }
}

/// Why one record cannot be taken.
enum RecordFault: Error {
  case json(JSONFault)
  case key(KeyProblem)
  case other(ImportError.Problem)
}

extension RecordBatch {
  /// Parses one object, with white space before it, as a record.
  ///
  /// `_key` and `_collection` never become fields: they say where a printed record belongs.
  /// After an error the batch is as before, so that the call can be repeated with more text.
  mutating func appendObject(
    _ bytes: Span<UInt8>, _ parser: inout JSONParser, members: RecordMembers, line: UInt64
  ) throws(RecordFault) {
    let mark = (bytes: self.bytes.count, fields: fields.count)
    do throws(RecordFault) {
      try parseObject(bytes, &parser, members, line)
    } catch {
      self.bytes.removeSubrange(mark.bytes...)
      fields.removeSubrange(mark.fields...)
      throw error
    }
  }

  private mutating func parseObject(
    _ bytes: Span<UInt8>, _ parser: inout JSONParser, _ members: RecordMembers, _ line: UInt64
  ) throws(RecordFault) {
    let firstField = fields.count
    var special = SpecialMembers()
    let begin = try parseMembers(bytes, &parser, members, &special)
    if let duplicate = sortFields(from: firstField) {
      let name = ItemText.decode(self.bytes, duplicate)
      throw .json(JSONFault(problem: .duplicateMember(name), offset: begin))
    }
    if special.nameLength > JournalLimits.fieldNameBytes {
      throw .other(
        .fieldName(length: special.nameLength, limit: JournalLimits.fieldNameBytes))
    }
    let collection = try takeCollection(special.collection, members)
    guard let value = special.key else {
      throw .key(.missing(field: String(decoding: members.keyName, as: UTF8.self)))
    }
    let key: Range<Int>
    do throws(KeyProblem) {
      key = try KeyBytes.append(itemAt: value, in: &self.bytes)
    } catch {
      throw .key(error)
    }
    entries.append(
      Entry(
        keyStart: UInt32(key.lowerBound), keyEnd: UInt32(key.upperBound),
        firstField: UInt32(firstField), endField: UInt32(fields.count),
        collection: collection, line: line))
  }

  /// Checks the collection that a record names against the one it goes to, and returns where its
  /// name is if it decides.
  func takeCollection(
    _ named: Range<Int>?, _ members: RecordMembers
  ) throws(RecordFault) -> UInt32 {
    guard let named else {
      if members.expectedCollection != nil { return .max }
      throw .other(
        .collection("there is no \"\(RecordMember.collection)\" to say where the record belongs"))
    }
    guard bytes[named.lowerBound] >> 5 == ItemType.text else {
      throw .other(.collection("\"\(RecordMember.collection)\" is no text"))
    }
    let name = ItemText.range(of: bytes, named)
    guard let expected = members.expectedCollection else {
      guard (1...JournalLimits.collectionNameBytes).contains(name.count) else {
        let error = RecordStoreError.invalidCollection(ItemText.decode(bytes, named))
        throw .other(.collection(error.description))
      }
      return UInt32(named.lowerBound)
    }
    guard matches(name, expected) else {
      throw .other(
        .collection(
          "the record belongs to collection '\(ItemText.decode(bytes, named))', not to "
            + "'\(String(decoding: expected, as: UTF8.self))'"))
    }
    return .max
  }

  /// Where the values of members with a meaning are.
  private struct SpecialMembers {
    var key: Range<Int>?
    var printedKey: Range<Int>?
    var collection: Range<Int>?
    /// The length of the longest field name.
    var nameLength = 0
  }

  /// Parses all members and returns where the object begins.
  private mutating func parseMembers(
    _ bytes: Span<UInt8>, _ parser: inout JSONParser, _ members: RecordMembers,
    _ special: inout SpecialMembers
  ) throws(RecordFault) -> Int {
    do throws(JSONFault) {
      let brace = try parser.skipSpace(bytes)
      let begin = parser.offset
      guard brace == UInt8(ascii: "{") else { throw parser.unexpected(brace, "an object") }
      try parser.enter()
      if try parser.skipSpace(bytes) != UInt8(ascii: "}") {
        while true {
          try parseMember(bytes, &parser, members, &special, begin)
          let next = try parser.skipSpace(bytes)
          if next == UInt8(ascii: "}") { break }
          guard next == UInt8(ascii: ",") else { throw parser.unexpected(next, "',' or '}'") }
          parser.offset += 1
        }
      }
      parser.leave()
      return begin
    } catch {
      throw .json(error)
    }
  }

  @inline(__always)
  private mutating func parseMember(
    _ bytes: Span<UInt8>, _ parser: inout JSONParser, _ members: RecordMembers,
    _ special: inout SpecialMembers, _ begin: Int
  ) throws(JSONFault) {
    let start = self.bytes.count
    try parser.parseName(bytes, into: &self.bytes)
    let valueStart = self.bytes.count
    try parser.parseValue(bytes, into: &self.bytes)
    let field = Field(
      start: UInt32(start), valueStart: UInt32(valueStart), end: UInt32(self.bytes.count))
    let name = ItemText.range(of: self.bytes, field.name)
    if name.count > 0, self.bytes[name.lowerBound] == UInt8(ascii: "_") {
      if try takePrinted(name, field, members, &special, begin) { return }
    }
    fields.append(field)
    if name.count > special.nameLength { special.nameLength = name.count }
    if members.keepsKeyField, matches(name, members.keyName) { special.key = field.value }
  }

  /// Takes `_key` and `_collection`; returns false for every other member.
  private func takePrinted(
    _ name: Range<Int>, _ field: Field, _ members: RecordMembers,
    _ special: inout SpecialMembers, _ begin: Int
  ) throws(JSONFault) -> Bool {
    let duplicate = JSONFault(
      problem: .duplicateMember(ItemText.decode(bytes, field.name)), offset: begin)
    if matches(name, RecordMember.keyBytes) {
      guard special.printedKey == nil else { throw duplicate }
      special.printedKey = field.value
      if !members.keepsKeyField { special.key = field.value }
      return true
    }
    if matches(name, RecordMember.collectionBytes) {
      guard special.collection == nil else { throw duplicate }
      special.collection = field.value
      return true
    }
    return false
  }

  @inline(__always)
  func matches(_ name: Range<Int>, _ other: [UInt8]) -> Bool {
    bytes.span.equals(name, other.span, 0..<other.count)
  }
}
