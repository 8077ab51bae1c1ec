// SPDX-License-Identifier: Apache-2.0

/// Turns values of one type into bytes and back.
///
/// What is decoded comes from a file: `decode` throws on bytes it cannot read, and never traps.
public protocol PrevalentCodec<Value>: Sendable {
  /// What is encoded.
  associatedtype Value

  /// Appends the bytes of a value.
  func encode(_ value: Value, into bytes: inout [UInt8]) throws

  /// Reads a value from all of the bytes.
  func decode(_ bytes: ArraySlice<UInt8>) throws -> Value
}

/// Encodes any `Codable` type, exactly: 64- and 128-bit integers, non-finite numbers and dictionaries
/// with keys of any type come back as they were.
///
/// Fields are found by their names, so that those that were added as optional ones read as `nil`
/// from older bytes.
public struct BinaryCodec<Value: Codable>: PrevalentCodec {
  /// Whether equal values give equal bytes, as far as `StateHash` says: fields are put in the order
  /// of their names, dictionaries and sets in the order of the bytes of their keys, which takes time.
  public let isCanonical: Bool
  /// How deep values and the containers that they write may be nested in each other; a case of an
  /// enumeration with associated values takes three, other types one or two.
  public let depthLimit: Int
  private let isElement: Bool

  /// Creates a codec.
  public init(isCanonical: Bool = false, depthLimit: Int = 384) {
    self.isCanonical = isCanonical
    self.depthLimit = depthLimit
    isElement = Value.self is any BinaryElement.Type
  }

  /// Appends the bytes of a value.
  ///
  /// - Throws: What the value throws; `BinaryCodingError`.
  public func encode(_ value: Value, into bytes: inout [UInt8]) throws {
    let writer = BinaryWriter(bytes, isCanonical: isCanonical, depthLimit: depthLimit)
    // Only one may refer to the array, lest it be copied.
    bytes = []
    defer { bytes = writer.takeBytes() }
    if isElement { try writer.write(value) } else { try writer.writeComposite(value) }
    if let failure = writer.failure { throw failure }
  }

  /// Reads a value from all of the bytes.
  ///
  /// - Throws: What the value throws; `BinaryCodingError`, `DecodingError`.
  public func decode(_ bytes: ArraySlice<UInt8>) throws -> Value {
    let source = BinarySource(bytes, depthLimit: depthLimit)
    var cursor = BinaryCursor(
      source: source, offset: bytes.startIndex, end: bytes.endIndex, depth: 0)
    let value = try cursor.read(Value.self)
    guard cursor.offset == bytes.endIndex else {
      throw BinaryCodingError.malformed(offset: cursor.offset, problem: "bytes are left over")
    }
    return value
  }
}

/// Why a value could not be encoded or decoded.
public enum BinaryCodingError: Error, Sendable, Equatable {
  /// Bytes are not what the encoder writes.
  case malformed(offset: Int, problem: String)
  /// Values are nested deeper than allowed.
  case tooDeep(limit: Int)
  /// A type wrote to a container after it had gone on to the next.
  case interleaved
  /// A container takes more than 4 GiB.
  case tooLong
  /// A type wrote two fields of one name, as one does that puts a dictionary among its own.
  case fieldTwice(name: String)
}

extension BinaryCodingError: CustomStringConvertible {
  /// One sentence for people.
  public var description: String {
    switch self {
    case .malformed(let offset, let problem): "byte \(offset): \(problem)"
    case .tooDeep(let limit): "values are nested deeper than \(limit)"
    case .interleaved: "a container was written to after its successor had begun"
    case .tooLong: "a container takes more than 4 GiB"
    case .fieldTwice(let name): "the field '\(name)' is written twice"
    }
  }
}

/// What a value in the bytes begins with.
enum BinaryTag: UInt8 {
  case null = 0
  case no = 1
  case yes = 2
  /// A zigzag number in groups of seven bits.
  case signed = 3
  /// A number in groups of seven bits, the lowest first.
  case unsigned = 4
  case float = 5
  case double = 6
  /// A length and UTF-8.
  case string = 7
  /// The length of the content in four bytes, and values.
  case list = 8
  /// The length of the content in four bytes, and names with values.
  case fields = 9
  /// The length of the content in four bytes, and keys with values.
  case map = 10
  case signed128 = 11
  case unsigned128 = 12
  /// A length and raw bytes.
  case bytes = 13
}
