// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

/// Turns models into fields.
enum ModelEncoder {
  /// The fields of a model: those it encodes, and as `nil` those it has and does not encode now.
  static func fields(of model: some Encodable) throws -> [FieldChange] {
    let target = EncodingTarget(path: ModelPath(keys: []))
    try model.encode(to: target)
    guard case .map(let members) = target.content else { throw ModelError.notARecord }
    return try members.map { member in
      FieldChange(field: member.name, value: try member.target?.value())
    }
  }
}

/// What is being encoded: filled through the containers that refer to it.
final class EncodingTarget {
  /// A name and its value; no target for one that is known to be absent.
  typealias Member = (name: String, target: EncodingTarget?)

  /// What was encoded so far.
  enum Content {
    case nothing
    case single(Value)
    case list([EncodingTarget])
    case map([Member])
  }

  let path: ModelPath
  var content = Content.nothing

  init(path: ModelPath) {
    self.path = path
  }

  /// The value that was encoded.
  func value() throws -> Value {
    switch content {
    case .nothing: return .map(ValueMap())
    case .single(let value): return value
    case .list(let elements): return .array(try elements.map { try $0.value() })
    case .map(let members):
      let present = try members.compactMap { member in
        try member.target.map { (member.name, try $0.value()) }
      }
      do {
        return .map(try ValueMap(present))
      } catch {
        throw ModelError.unsupported(path: path.text, what: "\(error.problem)")
      }
    }
  }

  /// The target of a member; one that is encoded again is replaced.
  func member(_ key: some CodingKey) -> EncodingTarget {
    let target = EncodingTarget(path: path.appending(key))
    set(key.stringValue, target)
    return target
  }

  /// Notes that a member is absent.
  func setAbsent(_ key: some CodingKey) {
    set(key.stringValue, nil)
  }

  private func set(_ name: String, _ target: EncodingTarget?) {
    guard case .map(var members) = content else {
      content = .map([(name, target)])
      return
    }
    if let slot = members.firstIndex(where: { ByteOrder.equal($0.name, name) }) {
      members[slot].target = target
    } else {
      members.append((name, target))
    }
    content = .map(members)
  }

  /// The target of the next element.
  func element() -> EncodingTarget {
    let target = EncodingTarget(path: path.appending(ModelKey(intValue: elementCount)))
    guard case .list(let elements) = content else {
      content = .list([target])
      return target
    }
    content = .list(elements + [target])
    return target
  }

  var elementCount: Int {
    guard case .list(let elements) = content else { return 0 }
    return elements.count
  }

  /// Encodes any value: those that records have a form for directly, others by themselves.
  func encode<T: Encodable>(_ value: T) throws {
    // Compared as types: every empty array could be cast to one of bytes.
    if T.self == [UInt8].self, let bytes = value as? [UInt8] {
      content = .single(.bytes(bytes))
      return
    }
    switch value {
    case let value as Bool: content = .single(.bool(value))
    case let value as String: content = .single(.text(value))
    case let value as Double: try set(value)
    case let value as Float: try set(Double(value))
    case let value as any FixedWidthInteger: try set(integer: value)
    default:
      try value.encode(to: self)
      if case .nothing = content { content = .map([]) }
    }
  }

  private func set(_ number: Double) throws {
    guard number.isFinite else { throw ModelError.notFinite(path: path.text) }
    content = .single(.double(number))
  }

  private func set(integer: some FixedWidthInteger) throws {
    if let number = Int64(exactly: integer) {
      content = .single(.integer(number))
    } else if let number = UInt64(exactly: integer) {
      content = .single(.unsigned(number))
    } else {
      throw ModelError.outOfRange(path: path.text)
    }
  }
}

extension EncodingTarget: Encoder {
  var codingPath: [any CodingKey] { path.keys }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    if case .map = content {} else { content = .map([]) }
    return KeyedEncodingContainer(FieldEncoding<Key>(target: self))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    if case .list = content {} else { content = .list([]) }
    return ElementEncoding(target: self)
  }

  func singleValueContainer() -> any SingleValueEncodingContainer {
    ValueEncoding(target: self)
  }
}
