// SPDX-License-Identifier: Apache-2.0

/// Reads deterministic CBOR (RFC 8949, section 4.2.1) and refuses every other encoding.
///
/// No length or count is trusted: nothing is allocated for one before as many bytes are known to
/// be there.
public struct CBORReader: Sendable {
  /// The bytes that are read.
  let input: [UInt8]
  /// Where the next item begins.
  public private(set) var position: Int
  /// Where the bytes to read end.
  public let end: Int

  /// Reads from `start` up to `end`, which are brought into the bounds of `input`.
  public init(_ input: [UInt8], from start: Int = 0, upTo end: Int = .max) {
    self.input = input
    self.end = min(max(end, 0), input.count)
    position = min(max(start, 0), self.end)
  }

  /// Whether every byte was read.
  public var isAtEnd: Bool { position == end }

  /// The initial byte of the next item, or `nil` at the end.
  public var nextInitialByte: UInt8? { position < end ? input[position] : nil }

  /// Fails unless every byte was read.
  public func finish() throws(CodingError) {
    guard isAtEnd else { throw error(.trailingBytes) }
  }

  /// Reads a whole number that is not negative.
  public mutating func readUnsigned() throws(CodingError) -> UInt64 {
    try readHead(.unsigned, "a whole number")
  }

  /// Reads a whole number from −2⁶³ to 2⁶³−1.
  public mutating func readInteger() throws(CodingError) -> Int64 {
    let start = position
    guard let initial = nextInitialByte else { throw error(.unexpectedEnd) }
    if initial >> 5 == CBOR.MajorType.negative.rawValue {
      let argument = try readArgument()
      guard let number = Int64(exactly: argument) else {
        throw CodingError(offset: start, problem: .outOfRange("a whole number"))
      }
      return ~number
    }
    guard let number = Int64(exactly: try readUnsigned()) else {
      throw CodingError(offset: start, problem: .outOfRange("a whole number"))
    }
    return number
  }

  /// Reads a text.
  public mutating func readText() throws(CodingError) -> String {
    let count = try readLength(.text, "a text")
    let start = position
    position += count
    guard let text = try? UTF8Span(validating: input.span.extracting(start..<position)) else {
      throw CodingError(offset: start, problem: .invalidText)
    }
    return String(copying: text)
  }

  /// Reads a text of at most `limit` bytes; `what` names it in errors.
  mutating func readText(_ what: String, limit: Int) throws(CodingError) -> String {
    let start = position
    let text = try readText()
    guard text.utf8.count <= limit else {
      throw CodingError(
        offset: start, problem: .tooLong(what, length: text.utf8.count, limit: limit))
    }
    return text
  }

  /// Reads a byte string.
  public mutating func readBytes() throws(CodingError) -> [UInt8] {
    Array(try readByteSlice())
  }

  /// Reads a byte string without copying it.
  public mutating func readByteSlice() throws(CodingError) -> ArraySlice<UInt8> {
    let count = try readLength(.bytes, "a byte string")
    position += count
    return input[position - count..<position]
  }

  /// Begins an array and returns how many items follow: never more than bytes remain.
  public mutating func readArrayCount() throws(CodingError) -> Int {
    try readLength(.array, "an array")
  }

  /// Begins a map and returns how many pairs follow: never more than bytes remain.
  public mutating func readMapCount() throws(CodingError) -> Int {
    try readLength(.map, "a map")
  }

  /// Reads a tag; the tagged item follows.
  public mutating func readTag() throws(CodingError) -> UInt64 {
    try readHead(.tag, "a tag")
  }

  /// Reads true or false.
  public mutating func readBool() throws(CodingError) -> Bool {
    switch nextInitialByte {
    case CBOR.true: position += 1; return true
    case CBOR.false: position += 1; return false
    case nil: throw error(.unexpectedEnd)
    case let byte?: throw error(.unexpectedItem(expected: "true or false", initialByte: byte))
    }
  }

  /// Reads the item for what is absent, if it is next.
  public mutating func readUndefinedIfPresent() -> Bool {
    guard nextInitialByte == CBOR.undefined else { return false }
    position += 1
    return true
  }

  /// Reads a floating-point number, which must be finite and in its shortest format.
  public mutating func readDouble() throws(CodingError) -> Double {
    guard let initial = nextInitialByte else { throw error(.unexpectedEnd) }
    switch initial {
    case CBOR.half:
      return try finite(HalfPrecision.number(UInt16(truncatingIfNeeded: readBigEndian(2))))
    case CBOR.single:
      let number = Float(bitPattern: UInt32(truncatingIfNeeded: try readBigEndian(4)))
      _ = try finite(Double(number))
      guard HalfPrecision.bits(of: number) == nil else { throw error(.notShortest) }
      return Double(number)
    case CBOR.double:
      let number = try finite(Double(bitPattern: readBigEndian(8)))
      guard Double(Float(number)).bitPattern != number.bitPattern else {
        throw error(.notShortest)
      }
      return number
    default:
      throw error(.unexpectedItem(expected: "a floating-point number", initialByte: initial))
    }
  }

  private func finite(_ number: Double) throws(CodingError) -> Double {
    guard number.isFinite else { throw error(.notFinite) }
    return number
  }

  /// An error at the present position.
  func error(_ problem: CodingError.Problem) -> CodingError {
    CodingError(offset: position, problem: problem)
  }
}

extension CBORReader {
  /// Passes over one byte that the caller has looked at.
  mutating func skipByte() {
    position = min(position + 1, end)
  }

  /// Reads a head whose argument is a length or count, and checks it against the bytes left.
  private mutating func readLength(
    _ type: CBOR.MajorType, _ expected: String
  ) throws(CodingError) -> Int {
    let start = position
    let argument = try readHead(type, expected)
    let perItem: UInt64 = type == .map ? 2 : 1
    guard argument <= UInt64(end - position) / perItem else {
      throw CodingError(offset: start, problem: .unexpectedEnd)
    }
    return Int(argument)
  }

  private mutating func readHead(
    _ type: CBOR.MajorType, _ expected: String
  ) throws(CodingError) -> UInt64 {
    guard let initial = nextInitialByte else { throw error(.unexpectedEnd) }
    guard initial >> 5 == type.rawValue else {
      throw error(.unexpectedItem(expected: expected, initialByte: initial))
    }
    return try readArgument()
  }

  /// Reads the argument of the head at the present position.
  mutating func readArgument() throws(CodingError) -> UInt64 {
    guard let initial = nextInitialByte else { throw error(.unexpectedEnd) }
    let short = initial & 0x1f
    guard short >= 24 else {
      position += 1
      return UInt64(short)
    }
    guard short <= 27 else {
      throw error(short == 31 ? .indefiniteLength : .unsupportedItem(initialByte: initial))
    }
    let start = position
    let byteCount = 1 << Int(short - 24)
    let argument = try readBigEndian(byteCount)
    let smallest: UInt64 = byteCount == 1 ? 24 : 1 << UInt64(byteCount * 4)
    guard argument >= smallest else { throw CodingError(offset: start, problem: .notShortest) }
    return argument
  }

  /// Reads the bytes behind an initial byte as one number.
  private mutating func readBigEndian(_ byteCount: Int) throws(CodingError) -> UInt64 {
    guard end - position > byteCount else { throw error(.unexpectedEnd) }
    var number: UInt64 = 0
    for offset in 1...byteCount {
      number = number << 8 | UInt64(input[position + offset])
    }
    position += 1 + byteCount
    return number
  }
}
