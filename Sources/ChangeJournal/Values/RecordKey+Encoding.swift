// SPDX-License-Identifier: Apache-2.0

extension CBORWriter {
  /// Writes a key: an integer, a text, or tag 37 around sixteen bytes.
  ///
  /// - Throws: `.tooLong` for a text beyond `JournalLimits.keyBytes`.
  public mutating func write(_ key: RecordKey) throws(CodingError) {
    switch key {
    case .integer(let number):
      write(integer: number)
    case .text(let text):
      let length = text.utf8.count
      guard length <= JournalLimits.keyBytes else {
        throw CodingError(
          offset: count,
          problem: .tooLong("text key", length: length, limit: JournalLimits.keyBytes))
      }
      write(text: text)
    case .uuid(let uuid):
      write(tag: CBOR.uuidTag)
      write(bytes: uuid.bytes)
    }
  }
}

extension CBORReader {
  /// Reads a key.
  public mutating func readKey() throws(CodingError) -> RecordKey {
    guard let initial = nextInitialByte else { throw error(.unexpectedEnd) }
    switch CBOR.MajorType(rawValue: initial >> 5) {
    case .unsigned, .negative:
      return .integer(try readInteger())
    case .text:
      return .text(try readText("text key", limit: JournalLimits.keyBytes))
    case .tag:
      let start = position
      let tag = try readTag()
      guard tag == CBOR.uuidTag, let uuid = UUIDBytes(bytes: try readByteSlice()) else {
        throw CodingError(offset: start, problem: .malformed("key"))
      }
      return .uuid(uuid)
    default:
      throw error(.unexpectedItem(expected: "a key", initialByte: initial))
    }
  }
}
