// SPDX-License-Identifier: Apache-2.0

public import ChangeJournal

/// One record as the text of a JSON object gives it.
public struct RecordObject: Sendable, Equatable {
  /// What stands in `_key`, with which printed records begin, if it is there.
  public let key: Value?
  /// What stands in `_collection`, which printed records of a whole store have, if it is there.
  public let collection: Value?
  /// All other members, ordered by name (bytes).
  public let fields: [StoredRecord.Field]

  /// Reads a JSON object.
  ///
  /// - Throws: `JSONError` with the line and column of what is wrong.
  public init(json text: [UInt8]) throws(JSONError) {
    let members = try Self.members(text).entries
    key = members.first { $0.key == RecordMember.key }?.value
    collection = members.first { $0.key == RecordMember.collection }?.value
    fields = members.filter { !RecordMember.isReserved($0.key) }
      .map { StoredRecord.Field($0.key, $0.value) }
      .sorted { ByteOrder.precedes($0.name, $1.name) }
  }

  private static func members(_ text: [UInt8]) throws(JSONError) -> ValueMap {
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
    return map
  }
}
