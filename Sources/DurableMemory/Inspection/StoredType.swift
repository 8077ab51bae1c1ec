// SPDX-License-Identifier: Apache-2.0

import StorageEngine

/// A type of keys or values as a store names it, for programs that do not have the type itself.
public indirect enum StoredType: Sendable, Equatable {
  /// One of the types that this module has, or one that it does not know.
  case named(String)
  /// `optional(…)`.
  case optional(StoredType)
  /// `tuple(…)`.
  case tuple([StoredType])

  /// Deeper ones are taken for types that are not known.
  private static let mostLevels = 16

  /// Reads the name of a type.
  public init(_ name: String) {
    self = Self.parse(name[...], level: 0) ?? .named(name)
  }

  private static func parse(_ name: Substring, level: Int) -> StoredType? {
    guard level < mostLevels else { return nil }
    if let inside = inside(name, of: "optional") {
      return parse(inside, level: level + 1).map(StoredType.optional)
    }
    guard let inside = inside(name, of: "tuple") else { return .named(String(name)) }
    var elements: [StoredType] = []
    for part in parts(inside) {
      guard let element = parse(part, level: level + 1) else { return nil }
      elements.append(element)
    }
    return .tuple(elements)
  }

  private static func inside(_ name: Substring, of kind: String) -> Substring? {
    guard name.hasPrefix(kind + "("), name.hasSuffix(")") else { return nil }
    return name.dropFirst(kind.count + 1).dropLast()
  }

  /// Splits at the commas that stand in no parentheses.
  private static func parts(_ text: Substring) -> [Substring] {
    if text.isEmpty { return [] }
    var depth = 0
    return text.split(omittingEmptySubsequences: false) { character in
      if character == "(" { depth += 1 }
      if character == ")" { depth -= 1 }
      return character == "," && depth == 0
    }
  }

  /// How many bytes every value has; `nil` when they differ or nothing is known of them.
  var width: Int? {
    switch self {
    case .named(let name): Self.scalar(named: name)?.width
    case .optional: nil
    case .tuple(let elements):
      elements.reduce(0) { (sum: Int?, element) in
        sum.flatMap { sum in element.width.map { sum + $0 } }
      }
    }
  }
}

extension StoredType {
  /// What a type of one value can do.
  struct Scalar: Sendable {
    let width: Int?
    let read: @Sendable (Span<UInt8>) throws -> StoredValue
    /// The bytes of a value that is written as text.
    let parse: @Sendable (String) -> [UInt8]?
  }

  /// A type of one value by its name; `nil` for one that is not known.
  static func scalar(named name: String) -> Scalar? {
    // Whatever type of the program it is of, it can be read as a text.
    name.utf8.starts(with: "json(".utf8) ? text.1 : scalars[name]
  }

  private static let scalars: [String: Scalar] = Dictionary(
    uniqueKeysWithValues: [
      integer(UInt8.self), integer(UInt16.self), integer(UInt32.self), integer(UInt64.self),
      integer(UInt128.self), integer(Int8.self), integer(Int16.self), integer(Int32.self),
      integer(Int64.self), integer(Int128.self), bool, number(Float.self) { Double($0) },
      number(Double.self) { $0 }, date, text, bytes, uuid,
    ])

  private static func scalar<T: DurableCodable>(
    _ type: T.Type, _ show: @escaping @Sendable (T) -> StoredValue,
    _ parse: @escaping @Sendable (String) -> T?
  ) -> (String, Scalar) {
    (
      type.durableType,
      Scalar(
        width: type.durableWidth, read: { show(try T(decoding: $0)) },
        parse: { parse($0)?.withDurableBytes { $0.array } })
    )
  }

  private static func integer<T: DurableInteger & LosslessStringConvertible>(
    _ type: T.Type
  ) -> (String, Scalar) {
    scalar(type, { .integer("\($0)") }, { T($0) })
  }

  private static func number<T: DurableCodable & LosslessStringConvertible>(
    _ type: T.Type, _ convert: @escaping @Sendable (T) -> Double
  ) -> (String, Scalar) {
    scalar(type, { .number(convert($0)) }, { T($0) })
  }

  private static var bool: (String, Scalar) { scalar(Bool.self, { .bool($0) }, { Bool($0) }) }
  private static var text: (String, Scalar) { scalar(String.self, { .text($0) }, { $0 }) }
  private static var bytes: (String, Scalar) {
    scalar([UInt8].self, { .bytes($0) }, { Array($0.utf8) })
  }

  /// Shown as the seconds that it is stored as.
  private static var date: (String, Scalar) { ("date", number(Double.self) { $0 }.1) }

  private static var uuid: (String, Scalar) {
    scalar(UUIDElement.self, { .text(spelled($0.rawValue)) }) { text in
      let digits = text.filter { $0 != "-" }
      guard digits.count == 32, let number = UInt128(digits, radix: 16) else { return nil }
      return UUIDElement(rawValue: number)
    }
  }

  /// The usual form, 8-4-4-4-12.
  private static func spelled(_ uuid: UInt128) -> String {
    let digits = String(uuid, radix: 16)
    let padded = Array(String(repeating: "0", count: 32 - digits.count) + digits)
    return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(padded[$0]) }
      .joined(separator: "-")
  }
}
