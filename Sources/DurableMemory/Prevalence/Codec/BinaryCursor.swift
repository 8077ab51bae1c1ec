// SPDX-License-Identifier: Apache-2.0

/// The bytes that a value is decoded from.
final class BinarySource {
  let bytes: ArraySlice<UInt8>
  let depthLimit: Int

  init(_ bytes: ArraySlice<UInt8>, depthLimit: Int) {
    self.bytes = bytes
    self.depthLimit = depthLimit
  }
}

/// A place in the bytes; every step is checked against the end.
struct BinaryCursor {
  let source: BinarySource
  private(set) var offset: Int
  let end: Int
  /// How many values are around the place.
  let depth: Int

  init(source: BinarySource, offset: Int, end: Int, depth: Int) {
    self.source = source
    self.offset = offset
    self.end = end
    self.depth = depth
  }

  var isAtEnd: Bool { offset >= end }

  func malformed(_ problem: String) -> BinaryCodingError {
    .malformed(offset: offset, problem: problem)
  }

  // MARK: Values

  /// Reads any value.
  mutating func read<T: Decodable>(_ type: T.Type) throws -> T {
    if let element = T.self as? any BinaryElement.Type,
      let value = try element.read(from: &self) as? T
    {
      return value
    }
    return try readComposite(type)
  }

  mutating func readComposite<T: Decodable>(_ type: T.Type) throws -> T {
    let start = self
    try skip()
    let inside = BinaryCursor(
      source: source, offset: start.offset, end: offset, depth: depth + 1)
    guard depth < source.depthLimit else {
      throw BinaryCodingError.tooDeep(limit: source.depthLimit)
    }
    return try T(from: BinaryDecoding(cursor: inside))
  }

  /// What the value here begins with.
  func peek() throws -> BinaryTag {
    guard offset < end else { throw malformed("a value is missing") }
    guard let tag = BinaryTag(rawValue: source.bytes[offset]) else {
      throw malformed("no value begins with \(source.bytes[offset])")
    }
    return tag
  }

  mutating func readTag() throws -> BinaryTag {
    let tag = try peek()
    offset += 1
    return tag
  }

  /// Passes a value.
  mutating func skip() throws {
    switch try readTag() {
    case .null, .no, .yes: break
    case .signed, .unsigned: _ = try readVarint()
    case .float: try advance(4)
    case .double: try advance(8)
    case .signed128, .unsigned128: try advance(16)
    case .string, .bytes: try advance(readLength())
    case .list, .fields, .map: try advance(Int(try readWord(UInt32.self)))
    }
  }

  mutating func advance(_ count: Int) throws {
    guard count <= end - offset else { throw malformed("\(count) bytes are missing") }
    offset += count
  }

  mutating func readVarint() throws -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while offset < end {
      let byte = source.bytes[offset]
      offset += 1
      let bits = UInt64(byte & 0x7F)
      guard shift < 63 || bits <= 1 else { break }
      value |= bits << shift
      if byte < 0x80 {
        // So that a number has but one form.
        guard byte > 0 || shift == 0 else { throw malformed("a number is longer than it need be") }
        return value
      }
      shift += 7
      guard shift < 70 else { break }
    }
    throw malformed("a number has no end")
  }

  private mutating func readLength() throws -> Int {
    let length = try readVarint()
    guard length <= UInt64(end - offset) else { throw malformed("\(length) bytes are missing") }
    return Int(length)
  }

  mutating func readWord<T: FixedWidthInteger>(_ type: T.Type) throws -> T {
    let start = offset
    try advance(T.bitWidth / 8)
    var word: T = 0
    for place in (start..<offset).reversed() {
      word = word << 8 | T(truncatingIfNeeded: source.bytes[place])
    }
    return word
  }

  mutating func readBytes() throws -> ArraySlice<UInt8> {
    let length = try readLength()
    let start = offset
    try advance(length)
    return source.bytes[start..<offset]
  }

  mutating func readText() throws -> String {
    let bytes = try readBytes()
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw malformed("a text is no UTF-8")
    }
    return text
  }

  /// The inside of a container that begins here; goes on behind it.
  mutating func readContainer(_ tag: BinaryTag) throws -> BinaryCursor {
    let found = try peek()
    guard found == tag else { throw malformed("a \(tag) should be here, not a \(found)") }
    offset += 1
    let length = Int(try readWord(UInt32.self))
    let start = offset
    try advance(length)
    guard depth < source.depthLimit else {
      throw BinaryCodingError.tooDeep(limit: source.depthLimit)
    }
    return BinaryCursor(source: source, offset: start, end: offset, depth: depth + 1)
  }
}
