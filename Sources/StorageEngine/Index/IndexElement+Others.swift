// SPDX-License-Identifier: Apache-2.0

extension String: IndexElement {
  /// `.string`.
  public static var indexType: IndexType { .string }

  /// Appends the bytes of the value, in UTF-8.
  public func encode(into bytes: inout [UInt8]) { bytes.appendTerminated(utf8) }

  /// Reads a value.
  public init(decoding decoder: inout IndexDecoder) throws(IndexDecoder.Malformed) {
    let bytes = try decoder.takeTerminated()
    guard let text = String(validating: bytes, as: UTF8.self) else { throw decoder.malformed() }
    self = text
  }
}

extension [UInt8]: IndexElement {
  /// `.bytes`.
  public static var indexType: IndexType { .bytes }

  /// Appends the bytes of the value.
  public func encode(into bytes: inout [UInt8]) { bytes.appendTerminated(self) }

  /// Reads a value.
  public init(decoding decoder: inout IndexDecoder) throws(IndexDecoder.Malformed) {
    self = try decoder.takeTerminated()
  }
}

extension Bool: IndexElement {
  /// `.bool`.
  public static var indexType: IndexType { .bool }

  /// Appends the byte of the value.
  public func encode(into bytes: inout [UInt8]) { bytes.append(self ? 1 : 0) }

  /// Reads a value.
  public init(decoding decoder: inout IndexDecoder) throws(IndexDecoder.Malformed) {
    switch try decoder.takeBigEndian(UInt8.self) {
    case 0: self = false
    case 1: self = true
    default: throw decoder.malformed()
    }
  }
}

extension RecordID: IndexElement {
  /// `.recordID`.
  public static var indexType: IndexType { .recordID }

  /// Appends the bytes of segment and number.
  public func encode(into bytes: inout [UInt8]) {
    bytes.appendBigEndian(segment.rawValue)
    bytes.appendBigEndian(number)
  }

  /// Reads a value.
  public init(decoding decoder: inout IndexDecoder) throws(IndexDecoder.Malformed) {
    let segment = SegmentID(rawValue: try decoder.takeBigEndian())
    self.init(segment: segment, number: try decoder.takeBigEndian())
  }
}

/// The sixteen bytes of a UUID (RFC 9562), ordered byte by byte.
public struct UUIDElement: IndexElement, Hashable {
  /// The bytes as one number, the first the most significant.
  public let rawValue: UInt128

  /// Wraps a number.
  public init(rawValue: UInt128) {
    self.rawValue = rawValue
  }

  /// `.uuid`.
  public static var indexType: IndexType { .uuid }

  /// Appends the sixteen bytes.
  public func encode(into bytes: inout [UInt8]) { bytes.appendBigEndian(rawValue) }

  /// Reads a value.
  public init(decoding decoder: inout IndexDecoder) throws(IndexDecoder.Malformed) {
    rawValue = try decoder.takeBigEndian()
  }
}

/// A moment: seconds since 2001-01-01 00:00 UTC, as Foundation counts them.
public struct DateElement: IndexElement, Hashable {
  /// The seconds, negative before that moment.
  public let secondsSinceReferenceDate: Double

  /// Wraps a number of seconds.
  public init(secondsSinceReferenceDate: Double) {
    self.secondsSinceReferenceDate = secondsSinceReferenceDate
  }

  /// `.date`.
  public static var indexType: IndexType { .date }

  /// Appends the bytes of the number.
  public func encode(into bytes: inout [UInt8]) {
    secondsSinceReferenceDate.encode(into: &bytes)
  }

  /// Reads a value.
  public init(decoding decoder: inout IndexDecoder) throws(IndexDecoder.Malformed) {
    secondsSinceReferenceDate = try Double(decoding: &decoder)
  }
}

/// Several elements as one, ordered by the first that differs.
public struct IndexTuple<each Element: IndexElement>: IndexElement {
  /// The elements.
  public let elements: (repeat each Element)

  /// Joins elements.
  public init(_ elements: repeat each Element) {
    self.elements = (repeat each elements)
  }

  /// `.tuple` of the elements' types.
  public static var indexType: IndexType {
    var types: [IndexType] = []
    repeat types.append((each Element).indexType)
    return .tuple(types)
  }

  /// Appends the bytes of the elements, one behind the other.
  public func encode(into bytes: inout [UInt8]) {
    repeat (each elements).encode(into: &bytes)
  }

  /// Reads a value.
  public init(decoding decoder: inout IndexDecoder) throws(IndexDecoder.Malformed) {
    elements = (repeat try (each Element)(decoding: &decoder))
  }
}
