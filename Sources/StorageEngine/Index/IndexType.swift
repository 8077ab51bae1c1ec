// SPDX-License-Identifier: Apache-2.0

/// What an index has as keys or values, as stored with it.
public enum IndexType: Hashable, Sendable {
  case uint8, uint16, uint32, uint64, uint128
  case int8, int16, int32, int64, int128
  case float, double
  case string, bytes, bool, recordID, uuid, date
  /// Several elements, ordered by the first that differs.
  case tuple([IndexType])

  /// The numbers in the file; those of Persy where it has the type.
  static let codes: [(type: IndexType, code: UInt8)] = [
    (.uint8, 1), (.uint16, 2), (.uint32, 3), (.uint64, 4), (.int8, 5), (.int16, 6), (.int32, 7),
    (.int64, 8), (.float, 9), (.double, 10), (.string, 12), (.recordID, 13), (.uint128, 14),
    (.int128, 15), (.bytes, 16), (.bool, 17), (.uuid, 18), (.date, 19),
  ]
  static let tupleCode: UInt8 = 32
  /// How many elements a tuple may have, and how deep tuples may nest.
  static let maximumElements = 32
  static let maximumDepth = 4

  /// The type as bytes: a code; for a tuple its code, the count and the elements.
  var encoded: [UInt8] {
    if case .tuple(let elements) = self {
      return [Self.tupleCode, UInt8(truncatingIfNeeded: elements.count)]
        + elements.flatMap(\.encoded)
    }
    return Self.codes.filter { $0.type == self }.map(\.code)
  }

  /// Reads a type from `offset` on; `nil` for what is none.
  init?(_ bytes: [UInt8], at offset: inout Int, depth: Int = 0) {
    guard offset < bytes.count, depth <= Self.maximumDepth else { return nil }
    let code = bytes[offset]
    offset += 1
    guard code == Self.tupleCode else {
      guard let known = Self.codes.first(where: { $0.code == code }) else { return nil }
      self = known.type
      return
    }
    guard offset < bytes.count, bytes[offset] <= Self.maximumElements else { return nil }
    let count = Int(bytes[offset])
    offset += 1
    var elements: [IndexType] = []
    for _ in 0..<count {
      guard let element = IndexType(bytes, at: &offset, depth: depth + 1) else { return nil }
      elements.append(element)
    }
    self = .tuple(elements)
  }
}

extension IndexType: CustomStringConvertible {
  /// The name of the type in Swift.
  public var description: String {
    switch self {
    case .uint8: "UInt8"
    case .uint16: "UInt16"
    case .uint32: "UInt32"
    case .uint64: "UInt64"
    case .uint128: "UInt128"
    case .int8: "Int8"
    case .int16: "Int16"
    case .int32: "Int32"
    case .int64: "Int64"
    case .int128: "Int128"
    case .float: "Float"
    case .double: "Double"
    case .string: "String"
    case .bytes: "bytes"
    case .bool: "Bool"
    case .recordID: "RecordID"
    case .uuid: "UUID"
    case .date: "Date"
    case .tuple(let elements): "(" + elements.map(\.description).joined(separator: ", ") + ")"
    }
  }
}

/// How many values a key of an index has.
public enum IndexMode: UInt8, Sendable, CaseIterable {
  /// One; a second is refused.
  case exclusive = 1
  /// A set of values, in order.
  case cluster = 2
  /// One; a second takes its place.
  case replace = 3
}
