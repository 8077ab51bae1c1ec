// SPDX-License-Identifier: Apache-2.0

/// Where one value is encoded to.
struct BinaryEncoding: Encoder {
  let writer: BinaryWriter
  /// How many containers are around the value.
  let level: Int
  /// Where the value begins.
  let start: Int

  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    KeyedEncodingContainer(KeyedWriting(writer: writer, level: level, serial: open(.fields)))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    UnkeyedWriting(writer: writer, level: level, serial: open(.list))
  }

  func singleValueContainer() -> any SingleValueEncodingContainer {
    if writer.count != start { writer.fail(.interleaved) }
    return SingleWriting(writer: writer)
  }

  /// A base class and its heir may share one container.
  private func open(_ tag: BinaryTag) -> Int {
    if let serial = writer.container(at: level, tag) { return serial }
    if writer.count != start || writer.level != level { writer.fail(.interleaved) }
    return writer.begin(tag)
  }
}

private struct SingleWriting: SingleValueEncodingContainer {
  let writer: BinaryWriter
  var codingPath: [any CodingKey] { [] }

  mutating func encodeNil() throws { writer.tag(.null) }
  mutating func encode<T: Encodable & BinaryElement>(_ value: T) throws {
    try value.write(to: writer)
  }
  mutating func encode<T: Encodable>(_ value: T) throws { try writer.write(value) }
  mutating func encode(_ value: Int128) throws { value.write(to: writer) }
  mutating func encode(_ value: UInt128) throws { value.write(to: writer) }
}

private struct KeyedWriting<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let writer: BinaryWriter
  let level: Int
  let serial: Int
  var codingPath: [any CodingKey] { [] }

  @inline(__always)
  private func name(_ key: some CodingKey) throws {
    guard writer.resume(serial, at: level) else { throw BinaryCodingError.interleaved }
    writer.name(key.stringValue)
  }

  mutating func encodeNil(forKey key: Key) throws {
    try name(key)
    writer.tag(.null)
  }

  mutating func encode<T: Encodable & BinaryElement>(_ value: T, forKey key: Key) throws {
    try name(key)
    try value.write(to: writer)
  }

  mutating func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
    try name(key)
    try writer.write(value)
  }

  mutating func encode(_ value: Int128, forKey key: Key) throws {
    try name(key)
    value.write(to: writer)
  }

  mutating func encode(_ value: UInt128, forKey key: Key) throws {
    try name(key)
    value.write(to: writer)
  }

  mutating func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) -> KeyedEncodingContainer<Nested> {
    nested(key).container(keyedBy: type)
  }

  mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    nested(key).unkeyedContainer()
  }

  mutating func superEncoder() -> any Encoder { nested(SuperKey()) }
  mutating func superEncoder(forKey key: Key) -> any Encoder { nested(key) }

  private func nested(_ key: some CodingKey) -> BinaryEncoding {
    // A container that is closed has been told of in the writer.
    try? name(key)
    writer.awaitValue()
    return BinaryEncoding(writer: writer, level: level + 1, start: writer.count)
  }
}

private struct UnkeyedWriting: UnkeyedEncodingContainer {
  let writer: BinaryWriter
  let level: Int
  let serial: Int
  private(set) var count = 0
  var codingPath: [any CodingKey] { [] }

  init(writer: BinaryWriter, level: Int, serial: Int) {
    self.writer = writer
    self.level = level
    self.serial = serial
  }

  @inline(__always)
  private mutating func step() throws {
    count += 1
    guard writer.resume(serial, at: level) else { throw BinaryCodingError.interleaved }
  }

  mutating func encodeNil() throws {
    try step()
    writer.tag(.null)
  }

  mutating func encode<T: Encodable & BinaryElement>(_ value: T) throws {
    try step()
    try value.write(to: writer)
  }

  mutating func encode<T: Encodable>(_ value: T) throws {
    try step()
    try writer.write(value)
  }

  mutating func encode(_ value: Int128) throws {
    try step()
    value.write(to: writer)
  }

  mutating func encode(_ value: UInt128) throws {
    try step()
    value.write(to: writer)
  }

  mutating func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type
  ) -> KeyedEncodingContainer<Nested> {
    nested().container(keyedBy: type)
  }

  mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
    nested().unkeyedContainer()
  }

  mutating func superEncoder() -> any Encoder { nested() }

  private mutating func nested() -> BinaryEncoding {
    try? step()
    writer.awaitValue()
    return BinaryEncoding(writer: writer, level: level + 1, start: writer.count)
  }
}

/// The name under which a base class is encoded.
struct SuperKey: CodingKey {
  var stringValue: String { "super" }
  var intValue: Int? { nil }
  init() {}
  init?(stringValue: String) { nil }
  init?(intValue: Int) { nil }
}
