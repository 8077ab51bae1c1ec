// SPDX-License-Identifier: Apache-2.0

public import ChangeJournal

/// A record as it is seen: its key and its fields.
public struct StoredRecord: Sendable, Hashable {
  /// A field of a record.
  public struct Field: Sendable, Hashable {
    /// The name.
    public let name: String
    /// The value.
    public let value: Value

    /// Pairs a name with a value.
    public init(_ name: String, _ value: Value) {
      self.name = name
      self.value = value
    }

    /// Compares names by bytes, and values.
    public static func == (left: Field, right: Field) -> Bool {
      ByteOrder.equal(left.name, right.name) && left.value == right.value
    }
  }

  /// The key within the collection.
  public let key: RecordKey
  /// The fields, ordered by name (bytes).
  public let fields: [Field]

  /// Joins a key and fields that are ordered by name.
  public init(key: RecordKey, fields: [Field]) {
    self.key = key
    self.fields = fields
  }

  /// The value of a field, or `nil`.
  public subscript(name: String) -> Value? {
    fields.first { ByteOrder.equal($0.name, name) }?.value
  }
}
