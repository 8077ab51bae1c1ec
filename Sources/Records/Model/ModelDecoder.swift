// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

/// Turns records into models.
enum ModelDecoder {
  /// The model that a record holds.
  static func model<Model: Decodable>(
    _ type: Model.Type, from record: StoredRecord
  ) throws -> Model {
    let members = record.fields.map { ($0.name, $0.value) }
    let value = Value.map(try ValueMap(members))
    return try ValueDecoder(value: value, path: ModelPath(keys: [])).decode(type)
  }
}

/// Decodes one value, whatever it holds.
struct ValueDecoder: Decoder {
  let value: Value
  let path: ModelPath

  var codingPath: [any CodingKey] { path.keys }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    guard case .map(let map) = value else { throw mismatch("a map") }
    return KeyedDecodingContainer(FieldDecoding<Key>(map: map, path: path))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    switch value {
    case .array(let values): return ElementDecoding(values: values, path: path)
    case .bytes(let bytes):
      return ElementDecoding(values: bytes.map { .integer(Int64($0)) }, path: path)
    default: throw mismatch("an array")
    }
  }

  func singleValueContainer() -> any SingleValueDecodingContainer {
    SingleDecoding(decoder: self)
  }

  /// Decodes a value of any type: those that records have a form for directly, others by
  /// themselves.
  func decode<T: Decodable>(_ type: T.Type) throws -> T {
    let decoded: Any? =
      switch type {
      case _ where type == [UInt8].self: try bytes()
      case is Bool.Type: try bool()
      case is String.Type: try text()
      case is Double.Type: try number()
      case is Float.Type: Float(try number())
      case let type as any FixedWidthInteger.Type: try integer(type)
      default: nil
      }
    if let decoded = decoded as? T { return decoded }
    return try T(from: self)
  }

  private func bytes() throws -> [UInt8]? {
    guard case .bytes(let bytes) = value else { return nil }
    return bytes
  }

  private func bool() throws -> Bool {
    guard case .bool(let bool) = value else { throw mismatch("true or false") }
    return bool
  }

  private func text() throws -> String {
    guard case .text(let text) = value else { throw mismatch("a text") }
    return text
  }

  /// A whole number is a number too, as long as a double holds it exactly.
  private func number() throws -> Double {
    switch value {
    case .double(let number): return number
    case .integer(let number):
      guard let double = Double(exactly: number) else { throw outOfRange }
      return double
    case .unsigned(let number):
      guard let double = Double(exactly: number) else { throw outOfRange }
      return double
    default: throw mismatch("a number")
    }
  }

  private func integer<Number: FixedWidthInteger>(_ type: Number.Type) throws -> Number {
    let exact: Number?
    switch value {
    case .integer(let number): exact = Number(exactly: number)
    case .unsigned(let number): exact = Number(exactly: number)
    default: throw mismatch("a whole number")
    }
    guard let exact else { throw outOfRange }
    return exact
  }

  private var outOfRange: ModelError { .outOfRange(path: path.text) }

  private func mismatch(_ expected: String) -> ModelError {
    .mismatch(path: path.text, expected: expected)
  }
}
