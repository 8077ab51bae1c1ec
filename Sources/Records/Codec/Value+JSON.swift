// SPDX-License-Identifier: Apache-2.0

public import ChangeJournal

extension Value {
  /// Reads a value from JSON text, as the `json` of a value writes it.
  ///
  /// - Throws: `JSONError`, with the place of what is wrong.
  public init(fromJSON text: [UInt8]) throws {
    var parser = JSONParser()
    var encoded: [UInt8] = []
    do throws(JSONFault) {
      try parser.parseValue(text.span, into: &encoded)
      try parser.expectEnd(text.span)
    } catch {
      throw error.located(in: text.span)
    }
    self = try Value(decoding: encoded)
  }
}

extension RecordKey {
  /// The key that a value means as `_key` in JSON; `nil` for a value that cannot be one.
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
