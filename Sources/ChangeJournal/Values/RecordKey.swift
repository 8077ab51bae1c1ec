// SPDX-License-Identifier: Apache-2.0

/// Names a record within its collection.
///
/// Order: integers by value, then texts by bytes, then UUIDs by bytes. `orderedBytes` sort alike.
public enum RecordKey: Sendable {
  /// A whole number.
  case integer(Int64)
  /// Text of at most `JournalLimits.keyBytes` bytes.
  case text(String)
  /// A UUID.
  case uuid(UUIDBytes)
}

extension RecordKey: Hashable, Comparable {
  /// Whether two keys have the same kind and bytes.
  public static func == (left: RecordKey, right: RecordKey) -> Bool {
    switch (left, right) {
    case (.integer(let one), .integer(let two)): one == two
    case (.text(let one), .text(let two)): ByteOrder.equal(one, two)
    case (.uuid(let one), .uuid(let two)): one == two
    default: false
    }
  }

  /// Orders as `orderedBytes` do.
  public static func < (left: RecordKey, right: RecordKey) -> Bool {
    switch (left, right) {
    case (.integer(let one), .integer(let two)): one < two
    case (.text(let one), .text(let two)): ByteOrder.precedes(one, two)
    case (.uuid(let one), .uuid(let two)): one < two
    default: left.kind < right.kind
    }
  }

  /// Feeds kind and content.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(kind)
    switch self {
    case .integer(let number): hasher.combine(number)
    case .text(let text): hasher.combine(text)
    case .uuid(let uuid): hasher.combine(uuid)
    }
  }

  /// The first of the ordered bytes.
  private var kind: UInt8 {
    switch self {
    case .integer: 1
    case .text: 2
    case .uuid: 3
    }
  }
}

extension RecordKey {
  /// Bytes that sort as the keys do: kind 1 and eight bytes of the number with its sign bit
  /// flipped, kind 2 and UTF-8, or kind 3 and sixteen bytes.
  public var orderedBytes: [UInt8] {
    var bytes = [kind]
    switch self {
    case .integer(let number):
      bytes.append(bigEndian: UInt64(bitPattern: number) ^ 1 << 63)
    case .text(let text):
      bytes += text.utf8
    case .uuid(let uuid):
      bytes += uuid.bytes
    }
    return bytes
  }

  /// Reads ordered bytes back.
  ///
  /// - Throws: `CodingError` when they are none.
  public init(orderedBytes bytes: [UInt8]) throws(CodingError) {
    let body = bytes.dropFirst()
    switch bytes.first {
    case 1 where body.count == 8:
      self = .integer(Int64(bitPattern: body.bigEndianWord(at: 0) ^ 1 << 63))
    case 2:
      guard body.count <= JournalLimits.keyBytes else {
        throw CodingError(
          offset: 1,
          problem: .tooLong("text key", length: body.count, limit: JournalLimits.keyBytes))
      }
      guard let text = String(validating: body, as: UTF8.self) else {
        throw CodingError(offset: 1, problem: .invalidText)
      }
      self = .text(text)
    case 3:
      guard let uuid = UUIDBytes(bytes: body) else {
        throw CodingError(offset: 1, problem: .malformed("key"))
      }
      self = .uuid(uuid)
    default:
      throw CodingError(offset: 0, problem: .malformed("key"))
    }
  }
}

extension RecordKey: CustomStringConvertible {
  /// The number, the text, or the UUID's text.
  public var description: String {
    switch self {
    case .integer(let number): "\(number)"
    case .text(let text): text
    case .uuid(let uuid): uuid.description
    }
  }
}
