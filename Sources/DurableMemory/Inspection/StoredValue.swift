// SPDX-License-Identifier: Apache-2.0

/// A key or value of a map, as far as the name of its type tells what it is.
public indirect enum StoredValue: Sendable, Equatable {
  /// An optional without a value.
  case none
  case bool(Bool)
  /// A whole number of up to 128 bits, in decimal.
  case integer(String)
  case number(Double)
  case text(String)
  /// What is of no known type, or cannot be read as what it should be.
  case bytes([UInt8])
  /// The values of a tuple.
  case list([StoredValue])

  /// Reads the bytes of a value.
  public init(_ bytes: [UInt8], of type: StoredType) {
    let span = bytes.span
    self = (try? Self.read(span, type)) ?? .bytes(bytes)
  }

  private static func read(_ bytes: Span<UInt8>, _ type: StoredType) throws -> StoredValue {
    switch type {
    case .named(let name):
      guard let scalar = StoredType.scalar(named: name) else { return .bytes(bytes.array) }
      return try scalar.read(bytes)
    case .optional(let wrapped):
      guard bytes.count > 0, bytes[0] < 2, bytes[0] == 1 || bytes.count == 1 else {
        throw DurableDecodingError("neither a value nor none")
      }
      return bytes[0] == 0 ? .none : try read(bytes.extracting(1..<bytes.count), wrapped)
    case .tuple(let elements):
      var offset = 0
      var values: [StoredValue] = []
      for element in elements {
        let range = try DurableParts.range(width: element.width, bytes, &offset)
        values.append(try read(bytes.extracting(range), element))
      }
      guard offset == bytes.count else { throw DurableDecodingError("bytes behind the last value") }
      return .list(values)
    }
  }

  /// The bytes of a key that is written as text: a number or the seconds of a date in decimal, a UUID
  /// as usual, `true` or `false`, and anything else as it is; `nil` when the text is none of the type.
  public static func bytes(parsing text: String, as type: StoredType) -> [UInt8]? {
    guard case .named(let name) = type, let scalar = StoredType.scalar(named: name) else {
      return nil
    }
    return scalar.parse(text)
  }
}
