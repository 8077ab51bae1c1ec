// SPDX-License-Identifier: Apache-2.0

/// Where one value is decoded from.
struct BinaryDecoding: Decoder {
  /// On the value.
  let cursor: BinaryCursor

  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    var cursor = cursor
    return KeyedDecodingContainer(try KeyedReading(cursor.readContainer(.fields)))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    var cursor = cursor
    return try UnkeyedReading(cursor.readContainer(.list))
  }

  func singleValueContainer() throws -> any SingleValueDecodingContainer {
    SingleReading(cursor: cursor)
  }
}

private struct SingleReading: SingleValueDecodingContainer {
  let cursor: BinaryCursor
  var codingPath: [any CodingKey] { [] }

  func decodeNil() -> Bool { (try? cursor.peek()) == .null }

  func decode<T: Decodable & BinaryElement>(_ type: T.Type) throws -> T {
    var cursor = cursor
    return try T.read(from: &cursor)
  }

  func decode<T: Decodable>(_ type: T.Type) throws -> T {
    var cursor = cursor
    return try cursor.read(type)
  }

  func decode(_ type: Int128.Type) throws -> Int128 {
    var cursor = cursor
    return try Int128.read(from: &cursor)
  }

  func decode(_ type: UInt128.Type) throws -> UInt128 {
    var cursor = cursor
    return try UInt128.read(from: &cursor)
  }
}

private struct KeyedReading<Key: CodingKey>: KeyedDecodingContainerProtocol {
  private let fields: FieldTable
  var codingPath: [any CodingKey] { [] }

  init(_ inside: BinaryCursor) throws {
    fields = try FieldTable(inside)
  }

  var allKeys: [Key] { fields.names.compactMap { Key(stringValue: $0) } }

  func contains(_ key: Key) -> Bool { fields.find(key.stringValue) != nil }

  private func value(_ key: some CodingKey) throws -> BinaryCursor {
    guard let cursor = fields.find(key.stringValue) else {
      let context = DecodingError.Context(
        codingPath: [], debugDescription: "no field \(key.stringValue)")
      throw DecodingError.keyNotFound(key, context)
    }
    return cursor
  }

  func decodeNil(forKey key: Key) throws -> Bool { try value(key).peek() == .null }

  func decode<T: Decodable & BinaryElement>(_ type: T.Type, forKey key: Key) throws -> T {
    var cursor = try value(key)
    return try T.read(from: &cursor)
  }

  func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
    var cursor = try value(key)
    return try cursor.read(type)
  }

  func decode(_ type: Int128.Type, forKey key: Key) throws -> Int128 {
    var cursor = try value(key)
    return try Int128.read(from: &cursor)
  }

  func decode(_ type: UInt128.Type, forKey key: Key) throws -> UInt128 {
    var cursor = try value(key)
    return try UInt128.read(from: &cursor)
  }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<Nested> {
    try BinaryDecoding(cursor: value(key)).container(keyedBy: type)
  }

  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try BinaryDecoding(cursor: value(key)).unkeyedContainer()
  }

  func superDecoder() throws -> any Decoder { BinaryDecoding(cursor: try value(SuperKey())) }
  func superDecoder(forKey key: Key) throws -> any Decoder {
    BinaryDecoding(cursor: try value(key))
  }
}

/// The fields of a value and where they are.
private final class FieldTable {
  private let inside: BinaryCursor
  private var entries: [(name: ArraySlice<UInt8>, offset: Int)] = []
  /// Fields are mostly read in the order in which they were written.
  private var next = 0

  init(_ inside: BinaryCursor) throws {
    self.inside = inside
    var cursor = inside
    while !cursor.isAtEnd {
      let name = try cursor.readBytes()
      entries.append((name, cursor.offset))
      try cursor.skip()
    }
    if hasNameTwice { throw inside.malformed("a field comes twice") }
  }

  private var hasNameTwice: Bool {
    // Mostly there are so few that comparing each with each takes less time than hashing all.
    guard entries.count <= 16 else { return Set(entries.map(\.name)).count < entries.count }
    return entries.indices.contains { index in
      entries[..<index].contains { $0.name == entries[index].name }
    }
  }

  var names: [String] { entries.map { String(decoding: $0.name, as: UTF8.self) } }

  func find(_ name: String) -> BinaryCursor? {
    for step in entries.indices {
      let index = (next + step) % entries.count
      guard entries[index].name.elementsEqual(name.utf8) else { continue }
      next = index
      return BinaryCursor(
        source: inside.source, offset: entries[index].offset, end: inside.end,
        depth: inside.depth)
    }
    return nil
  }
}

private struct UnkeyedReading: UnkeyedDecodingContainer {
  private var cursor: BinaryCursor
  private(set) var currentIndex = 0
  /// Types of a fixed number of elements, like vectors, compare it.
  let count: Int?
  var isAtEnd: Bool { cursor.isAtEnd }
  var codingPath: [any CodingKey] { [] }

  init(_ inside: BinaryCursor) throws {
    cursor = inside
    var count = 0
    var rest = inside
    while !rest.isAtEnd {
      try rest.skip()
      count += 1
    }
    self.count = count
  }

  mutating func decodeNil() throws -> Bool {
    guard try cursor.peek() == .null else { return false }
    currentIndex += 1
    try cursor.skip()
    return true
  }

  mutating func decode<T: Decodable & BinaryElement>(_ type: T.Type) throws -> T {
    let value = try T.read(from: &cursor)
    currentIndex += 1
    return value
  }

  mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
    let value = try cursor.read(type)
    currentIndex += 1
    return value
  }

  mutating func decode(_ type: Int128.Type) throws -> Int128 {
    defer { currentIndex += 1 }
    return try Int128.read(from: &cursor)
  }

  mutating func decode(_ type: UInt128.Type) throws -> UInt128 {
    defer { currentIndex += 1 }
    return try UInt128.read(from: &cursor)
  }

  mutating func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type
  ) throws -> KeyedDecodingContainer<Nested> {
    try superDecoder().container(keyedBy: type)
  }

  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    try superDecoder().unkeyedContainer()
  }

  mutating func superDecoder() throws -> any Decoder {
    let here = cursor
    try cursor.skip()
    currentIndex += 1
    return BinaryDecoding(cursor: here)
  }
}
