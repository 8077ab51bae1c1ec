// SPDX-License-Identifier: Apache-2.0

/// What a patch does to one field.
public struct FieldChange: Hashable, Sendable {
  /// The name of the field.
  public let field: String
  /// Its new value; `nil` removes the field.
  public let value: Value?

  /// Sets a field, or removes it.
  public init(field: String, value: Value?) {
    self.field = field
    self.value = value
  }

  /// Compares names by bytes, and values.
  public static func == (left: FieldChange, right: FieldChange) -> Bool {
    ByteOrder.equal(left.field, right.field) && left.value == right.value
  }
}

/// What an operation does to a record.
public enum Change: Hashable, Sendable {
  /// Sets and removes fields, which are ordered by name (bytes), each named once. Without fields
  /// it makes an empty record exist.
  case patch([FieldChange])
  /// Deletes the record.
  case delete

  /// Orders the fields of a patch.
  ///
  /// - Throws: `.duplicateKey` when a field occurs twice; the offset is its slot.
  public static func patch(unordered fields: [FieldChange]) throws(CodingError) -> Change {
    let sorted = fields.sorted { ByteOrder.precedes($0.field, $1.field) }
    for slot in sorted.indices.dropFirst()
    where ByteOrder.equal(sorted[slot - 1].field, sorted[slot].field) {
      throw CodingError(offset: slot, problem: .duplicateKey(sorted[slot].field))
    }
    return .patch(sorted)
  }
}

/// The kinds of operation, as numbered in the canonical bytes.
///
/// Other numbers are refused.
enum OperationKind: UInt64, CaseIterable {
  /// Sets and removes fields.
  case patch = 1
  /// Deletes a record.
  case delete = 2
}

/// A change to one record of a collection.
public struct Operation: Hashable, Sendable {
  /// The collection.
  public let collection: String
  /// The record.
  public let key: RecordKey
  /// What happens to it.
  public let change: Change

  /// Names a record and what happens to it.
  public init(collection: String, key: RecordKey, change: Change) {
    self.collection = collection
    self.key = key
    self.change = change
  }

  /// Compares the collection by bytes, the key, and the change.
  public static func == (left: Operation, right: Operation) -> Bool {
    left.key == right.key && ByteOrder.equal(left.collection, right.collection)
      && left.change == right.change
  }
}

/// The operations of a transaction in one collection, in the order they were made.
public struct CollectionPart: Hashable, Sendable {
  /// The collection.
  public let collection: String
  /// The operations, at least one; all of this collection.
  public let operations: [Operation]

  /// Joins operations of one collection.
  public init(collection: String, operations: [Operation]) {
    self.collection = collection
    self.operations = operations
  }

  /// Sorts operations of any collections into parts: by collection (bytes), each part in the
  /// order given.
  public static func parts(of operations: [Operation]) -> [CollectionPart] {
    var slots: [ByteText: Int] = [:]
    var groups: [(collection: ByteText, operations: [Operation])] = []
    for operation in operations {
      let collection = ByteText(operation.collection)
      if let last = groups.indices.last, groups[last].collection == collection {
        groups[last].operations.append(operation)
      } else if let slot = slots[collection] {
        groups[slot].operations.append(operation)
      } else {
        slots[collection] = groups.count
        groups.append((collection, [operation]))
      }
    }
    return groups.sorted { $0.collection < $1.collection }
      .map { CollectionPart(collection: $0.collection.text, operations: $0.operations) }
  }
}
