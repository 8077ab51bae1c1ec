// SPDX-License-Identifier: Apache-2.0

/// Several values as one key or value.
///
/// Each has its bytes one behind the other; those whose number differs have it ahead.
public struct DurableTuple<each Element: DurableCodable>: DurableCodable {
  /// The values.
  public let elements: (repeat each Element)

  /// Joins values.
  public init(_ elements: repeat each Element) {
    self.elements = (repeat each elements)
  }

  /// `tuple(…)` with the types of the values.
  public static var durableType: String {
    var types: [String] = []
    repeat types.append((each Element).durableType)
    return "tuple(\(types.joined(separator: ",")))"
  }

  /// The sum, if no value has bytes whose number differs.
  public static var durableWidth: Int? {
    var widths: [Int?] = []
    repeat widths.append((each Element).durableWidth)
    let known = widths.compactMap { $0 }
    return known.count == widths.count ? known.reduce(0, +) : nil
  }

  /// The sum.
  public var durableByteCount: Int {
    var sum = 0
    repeat DurableParts.add(each elements, &sum)
    return sum
  }

  /// Writes one after the other.
  public func encode(into writer: inout DurableWriter) {
    repeat DurableParts.encode(each elements, &writer)
  }

  /// Reads one after the other.
  ///
  /// - Throws: when one cannot be read, or something is left.
  public init(decoding bytes: Span<UInt8>) throws(DurableDecodingError) {
    // Looked at before anything is read: the compiler cannot give up a half of a tuple.
    var end = 0
    repeat _ = try DurableParts.range((each Element).self, bytes, &end)
    guard end == bytes.count else { throw DurableDecodingError("bytes behind the last value") }
    var offset = 0
    elements = (repeat try DurableParts.decode((each Element).self, bytes, &offset))
  }
}

/// A value or none.
extension Optional: DurableCodable where Wrapped: DurableCodable {
  /// `optional(…)` with the type of the value.
  public static var durableType: String { "optional(\(Wrapped.durableType))" }

  /// One more than the value has.
  public var durableByteCount: Int { 1 + (self?.durableByteCount ?? 0) }

  /// Writes 0, or 1 and the value.
  public func encode(into writer: inout DurableWriter) {
    writer.write(self == nil ? 0 : 1)
    self?.encode(into: &writer)
  }

  /// Reads a value or none.
  ///
  /// - Throws: when it is neither.
  public init(decoding bytes: Span<UInt8>) throws(DurableDecodingError) {
    guard bytes.count > 0 else { throw DurableDecodingError("neither a value nor none") }
    switch (bytes[0], bytes.count) {
    case (0, 1): self = nil
    case (1, _): self = try Wrapped(decoding: bytes.extracting(1..<bytes.count))
    default: throw DurableDecodingError("neither a value nor none")
    }
  }
}

/// The values of a tuple, each on its own.
enum DurableParts {
  static func add<T: DurableCodable>(_ value: T, _ sum: inout Int) {
    if let width = T.durableWidth {
      sum += width
      return
    }
    let count = value.durableByteCount
    sum += count + (max(1, Int.bitWidth - count.leadingZeroBitCount) + 6) / 7
  }

  static func encode<T: DurableCodable>(_ value: T, _ writer: inout DurableWriter) {
    if T.durableWidth == nil { writer.write(shortest: value.durableByteCount) }
    value.encode(into: &writer)
  }

  static func decode<T: DurableCodable>(
    _ type: T.Type, _ bytes: Span<UInt8>, _ offset: inout Int
  ) throws(DurableDecodingError) -> T {
    try T(decoding: bytes.extracting(range(type, bytes, &offset)))
  }

  /// Where the bytes of the next value are.
  static func range<T: DurableCodable>(
    _ type: T.Type, _ bytes: Span<UInt8>, _ offset: inout Int
  ) throws(DurableDecodingError) -> Range<Int> {
    try range(width: T.durableWidth, bytes, &offset)
  }

  /// The same by the number of bytes that every value has, if there is one.
  static func range(
    width: Int?, _ bytes: Span<UInt8>, _ offset: inout Int
  ) throws(DurableDecodingError) -> Range<Int> {
    let count = if let width { width } else { try takeCount(bytes, &offset) }
    guard count <= bytes.count - offset else {
      throw DurableDecodingError("a value of the tuple ends too early")
    }
    defer { offset += count }
    return offset..<offset + count
  }

  private static func takeCount(
    _ bytes: Span<UInt8>, _ offset: inout Int
  ) throws(DurableDecodingError) -> Int {
    var count = 0
    for shift in stride(from: 0, to: 35, by: 7) {
      guard offset < bytes.count else { break }
      let byte = bytes[offset]
      offset += 1
      count |= Int(byte & 0x7F) << shift
      // One that is longer than it need be would be another key of the same value.
      if byte == 0, shift > 0 { break }
      if byte < 0x80 { return count }
    }
    throw DurableDecodingError("the length of a value of the tuple is none")
  }
}
