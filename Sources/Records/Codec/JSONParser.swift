// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

/// Parses JSON text (RFC 8259) into deterministic CBOR, in one pass over the bytes.
///
/// * Integers from -2^63 to 2^64-1 stay exact; every other number becomes the nearest finite
///   double.
/// * An object becomes a map with its members in canonical order; a member repeated is an error.
/// * `{"$bytes": "<base64>"}` becomes a byte string, and `{"$map": {…}}` the map inside, whatever
///   that looks like, so that every map can be written.
/// * At most `depthLimit` arrays and objects inside each other.
///
/// The bytes are passed to each call rather than kept, so that no copy is made. When the text
/// ends too early the fault is `.unexpectedEnd` and the caller may try again with more of it.
struct JSONParser {
  /// How many arrays and objects may stand inside each other.
  static var depthLimit: Int { JournalLimits.valueDepth }

  /// The next byte to read.
  var offset: Int
  /// How many arrays and objects are open, without those that only wrap something.
  var depth = 0
  /// Members of the objects now open, each with its place in the output.
  var members: [Member] = []

  /// A member of an object that is open.
  struct Member {
    /// Where the encoded name begins.
    var start: Int
    /// Where the name ends and the encoded value begins.
    var nameEnd: Int
    /// Where the value ends.
    var end: Int
  }

  /// Starts at `offset`.
  init(at offset: Int = 0) {
    self.offset = offset
  }

  /// Parses one value, with white space before it, and appends its CBOR.
  mutating func parseValue(
    _ bytes: Span<UInt8>, into output: inout [UInt8]
  ) throws(JSONFault) {
    let first = try skipSpace(bytes)
    switch first {
    case UInt8(ascii: "\""): try parseString(bytes, into: &output)
    case UInt8(ascii: "{"): _ = try parseObject(bytes, into: &output)
    case UInt8(ascii: "["): try parseArray(bytes, into: &output)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      try parseNumber(bytes, into: &output)
    case UInt8(ascii: "t"):
      try parseWord("true", bytes)
      output.append(ItemType.trueByte)
    case UInt8(ascii: "f"):
      try parseWord("false", bytes)
      output.append(ItemType.falseByte)
    case UInt8(ascii: "n"):
      try parseWord("null", bytes)
      output.append(ItemType.nullByte)
    default: throw unexpected(first, "a value")
    }
  }

  /// Passes over white space and returns the byte after it without consuming it.
  @inline(__always)
  mutating func skipSpace(_ bytes: Span<UInt8>) throws(JSONFault) -> UInt8 {
    while offset < bytes.count {
      let byte = bytes[offset]
      guard byte <= 0x20, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 else {
        return byte
      }
      offset += 1
    }
    throw fault(.unexpectedEnd)
  }

  /// Passes over white space and one byte, which must be `byte`.
  @inline(__always)
  mutating func expect(
    _ byte: UInt8, _ expected: StaticString, _ bytes: Span<UInt8>
  ) throws(JSONFault) {
    let found = try skipSpace(bytes)
    guard found == byte else { throw unexpected(found, "\(expected)") }
    offset += 1
  }

  private mutating func parseWord(
    _ word: StaticString, _ bytes: Span<UInt8>
  ) throws(JSONFault) {
    for expected in "\(word)".utf8 {
      guard offset < bytes.count else { throw fault(.unexpectedEnd) }
      guard bytes[offset] == expected else { throw unexpected(bytes[offset], "\(word)") }
      offset += 1
    }
  }

  /// Counts one array or object more; throws when that is one too many.
  mutating func enter() throws(JSONFault) {
    guard depth < Self.depthLimit else { throw fault(.tooDeep(limit: Self.depthLimit)) }
    depth += 1
    offset += 1
  }

  /// Counts one array or object less, and passes over its closing byte.
  mutating func leave() {
    depth -= 1
    offset += 1
  }

  private mutating func parseArray(
    _ bytes: Span<UInt8>, into output: inout [UInt8]
  ) throws(JSONFault) {
    try enter()
    let head = output.count
    output.append(0)
    var count = 0
    if try skipSpace(bytes) != UInt8(ascii: "]") {
      while true {
        try parseValue(bytes, into: &output)
        count += 1
        let next = try skipSpace(bytes)
        if next == UInt8(ascii: "]") { break }
        guard next == UInt8(ascii: ",") else { throw unexpected(next, "',' or ']'") }
        offset += 1
      }
    }
    leave()
    output.setHead(at: head, ItemType.array, count: count)
  }

  /// A fault at the present place.
  func fault(_ problem: JSONError.Problem) -> JSONFault {
    JSONFault(problem: problem, offset: offset)
  }

  /// A fault that names the byte found.
  @inline(never)
  func unexpected(_ byte: UInt8, _ expected: String) -> JSONFault {
    fault(.unexpectedByte(byte, expected: expected))
  }
}
