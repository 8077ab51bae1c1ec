// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

/// Decodes named members.
struct FieldDecoding<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let map: ValueMap
  let path: ModelPath

  var codingPath: [any CodingKey] { path.keys }
  var allKeys: [Key] { map.entries.compactMap { Key(stringValue: $0.key) } }

  func contains(_ key: Key) -> Bool { map[key.stringValue] != nil }

  func decodeNil(forKey key: Key) throws -> Bool {
    guard let value = map[key.stringValue] else {
      throw ModelError.missing(path: path.appending(key).text)
    }
    return value == .null
  }

  func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
    try member(key).decode(type)
  }

  func nestedContainer<Nested>(
    keyedBy type: Nested.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<Nested> {
    try member(key).container(keyedBy: type)
  }

  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try member(key).unkeyedContainer()
  }

  func superDecoder() throws -> any Decoder { try member(ModelKey.parent) }

  func superDecoder(forKey key: Key) throws -> any Decoder { try member(key) }

  private func member(_ key: some CodingKey) throws -> ValueDecoder {
    let path = path.appending(key)
    guard let value = map[key.stringValue] else { throw ModelError.missing(path: path.text) }
    return ValueDecoder(value: value, path: path)
  }
}

/// Decodes elements in order.
struct ElementDecoding: UnkeyedDecodingContainer {
  let values: [Value]
  let path: ModelPath
  private(set) var currentIndex = 0

  init(values: [Value], path: ModelPath) {
    self.values = values
    self.path = path
  }

  var codingPath: [any CodingKey] { path.keys }
  var count: Int? { values.count }
  var isAtEnd: Bool { currentIndex >= values.count }

  mutating func decodeNil() throws -> Bool {
    guard try peek().value == .null else { return false }
    currentIndex += 1
    return true
  }

  mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
    let decoded = try peek().decode(type)
    currentIndex += 1
    return decoded
  }

  mutating func nestedContainer<Nested>(
    keyedBy type: Nested.Type
  ) throws -> KeyedDecodingContainer<Nested> {
    let container = try peek().container(keyedBy: type)
    currentIndex += 1
    return container
  }

  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    let container = try peek().unkeyedContainer()
    currentIndex += 1
    return container
  }

  mutating func superDecoder() throws -> any Decoder {
    let decoder = try peek()
    currentIndex += 1
    return decoder
  }

  private func peek() throws -> ValueDecoder {
    let path = path.appending(ModelKey(intValue: currentIndex))
    guard !isAtEnd else { throw ModelError.missing(path: path.text) }
    return ValueDecoder(value: values[currentIndex], path: path)
  }
}

/// Decodes one value.
struct SingleDecoding: SingleValueDecodingContainer {
  let decoder: ValueDecoder

  var codingPath: [any CodingKey] { decoder.path.keys }

  func decodeNil() -> Bool { decoder.value == .null }

  func decode<T: Decodable>(_ type: T.Type) throws -> T { try decoder.decode(type) }
}
