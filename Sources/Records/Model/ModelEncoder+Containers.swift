// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

/// Encodes named members.
struct FieldEncoding<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let target: EncodingTarget
  var codingPath: [any CodingKey] { target.path.keys }

  func encodeNil(forKey key: Key) { target.member(key).content = .single(.null) }

  func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
    try target.member(key).encode(value)
  }

  // A property that is `nil` is an absent field. It is noted all the same, so that saving the
  // model removes what was there.

  func encodeIfPresent<T: Encodable>(_ value: T?, forKey key: Key) throws {
    guard let value else { return target.setAbsent(key) }
    try encode(value, forKey: key)
  }

  func encodeIfPresent(_ value: Bool?, forKey key: Key) throws { try present(value, key) }
  func encodeIfPresent(_ value: String?, forKey key: Key) throws { try present(value, key) }
  func encodeIfPresent(_ value: Double?, forKey key: Key) throws { try present(value, key) }
  func encodeIfPresent(_ value: Float?, forKey key: Key) throws { try present(value, key) }
  func encodeIfPresent(_ value: Int?, forKey key: Key) throws { try present(value, key) }
  func encodeIfPresent(_ value: Int8?, forKey key: Key) throws { try present(value, key) }
  func encodeIfPresent(_ value: Int16?, forKey key: Key) throws { try present(value, key) }
  func encodeIfPresent(_ value: Int32?, forKey key: Key) throws { try present(value, key) }
  func encodeIfPresent(_ value: Int64?, forKey key: Key) throws { try present(value, key) }
  func encodeIfPresent(_ value: UInt?, forKey key: Key) throws { try present(value, key) }
  func encodeIfPresent(_ value: UInt8?, forKey key: Key) throws { try present(value, key) }
  func encodeIfPresent(_ value: UInt16?, forKey key: Key) throws { try present(value, key) }
  func encodeIfPresent(_ value: UInt32?, forKey key: Key) throws { try present(value, key) }
  func encodeIfPresent(_ value: UInt64?, forKey key: Key) throws { try present(value, key) }

  private func present(_ value: (some Encodable)?, _ key: Key) throws {
    guard let value else { return target.setAbsent(key) }
    try encode(value, forKey: key)
  }

  func nestedContainer<Nested>(
    keyedBy keyType: Nested.Type, forKey key: Key
  ) -> KeyedEncodingContainer<Nested> {
    target.member(key).container(keyedBy: keyType)
  }

  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    target.member(key).unkeyedContainer()
  }

  func superEncoder() -> any Encoder { target.member(ModelKey.parent) }

  func superEncoder(forKey key: Key) -> any Encoder { target.member(key) }
}

/// Encodes elements in order.
struct ElementEncoding: UnkeyedEncodingContainer {
  let target: EncodingTarget
  var codingPath: [any CodingKey] { target.path.keys }
  var count: Int { target.elementCount }

  func encodeNil() { target.element().content = .single(.null) }

  func encode<T: Encodable>(_ value: T) throws { try target.element().encode(value) }

  func nestedContainer<Nested>(
    keyedBy keyType: Nested.Type
  ) -> KeyedEncodingContainer<Nested> {
    target.element().container(keyedBy: keyType)
  }

  func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
    target.element().unkeyedContainer()
  }

  func superEncoder() -> any Encoder { target.element() }
}

/// Encodes one value.
struct ValueEncoding: SingleValueEncodingContainer {
  let target: EncodingTarget
  var codingPath: [any CodingKey] { target.path.keys }

  func encodeNil() { target.content = .single(.null) }

  func encode<T: Encodable>(_ value: T) throws { try target.encode(value) }
}
