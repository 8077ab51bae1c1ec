// SPDX-License-Identifier: Apache-2.0

public import ChangeJournal

/// A model that is stored as a record.
///
/// Every property that is encoded becomes a field, also the identity, which is the key besides.
///
/// ```swift
/// struct Person: Record {
///   static let collection = "people"
///   var id: String
///   var name: String
///   var email: String?
/// }
/// let people = Repository<Person>(store)
/// try people.save(Person(id: "ada", name: "Ada"))
/// ```
public protocol Record: Codable, Identifiable, Sendable where ID: RecordKeyConvertible {
  /// The collection of its records.
  static var collection: String { get }
}

/// A type whose values can be keys of records.
public protocol RecordKeyConvertible: Hashable, Sendable {
  /// The key.
  var recordKey: RecordKey { get }
  /// The value with that key; `nil` for a key of another kind.
  init?(recordKey: RecordKey)
}

extension String: RecordKeyConvertible {
  /// The text key of the same characters.
  public var recordKey: RecordKey { .text(self) }

  /// The characters of a text key.
  public init?(recordKey: RecordKey) {
    guard case .text(let text) = recordKey else { return nil }
    self = text
  }
}

extension Int: RecordKeyConvertible {
  /// The integer key of the same value.
  public var recordKey: RecordKey { .integer(Int64(self)) }

  /// The value of an integer key.
  public init?(recordKey: RecordKey) {
    guard case .integer(let number) = recordKey else { return nil }
    self.init(exactly: number)
  }
}

extension Int64: RecordKeyConvertible {
  /// The integer key of the same value.
  public var recordKey: RecordKey { .integer(self) }

  /// The value of an integer key.
  public init?(recordKey: RecordKey) {
    guard case .integer(let number) = recordKey else { return nil }
    self = number
  }
}

extension UUIDBytes: RecordKeyConvertible, Codable {
  /// The UUID key of the same bytes.
  public var recordKey: RecordKey { .uuid(self) }

  /// The bytes of a UUID key.
  public init?(recordKey: RecordKey) {
    guard case .uuid(let uuid) = recordKey else { return nil }
    self = uuid
  }

  /// Reads the usual text.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let uuid = UUIDBytes(try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "this is not the text of a UUID")
    }
    self = uuid
  }

  /// Writes the usual text.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
