// SPDX-License-Identifier: Apache-2.0

extension CollectionPart {
  /// Reads the canonical bytes of a part in `bytes[start..<end]`.
  init(
    collection: String, operationCount: Int, decoding bytes: [UInt8], from start: Int,
    upTo end: Int
  ) throws(CodingError) {
    var operations: [Operation] = []
    operations.reserveCapacity(min(operationCount, 65_536))
    var reader = try OperationReader(
      collection: collection, operationCount: operationCount, decoding: bytes, from: start,
      upTo: end)
    while let operation = try reader.next() { operations.append(operation) }
    self.init(collection: collection, operations: operations)
  }
}

/// Reads the operations of a part one after the other.
struct OperationReader {
  private let collection: String
  private let names: [String]
  private var isUsed: [Bool]
  private var unusedCount: Int
  private var remaining: Int
  private var reader: CBORReader

  /// Reads the beginning of a part: the field names and the count of operations.
  init(
    collection: String, operationCount: Int, decoding bytes: [UInt8], from start: Int,
    upTo end: Int
  ) throws(CodingError) {
    self.collection = collection
    reader = CBORReader(bytes, from: start, upTo: end)
    guard try reader.readArrayCount() == 2 else { throw reader.error(.malformed("part")) }
    names = try reader.readFieldNames()
    isUsed = Array(repeating: false, count: names.count)
    unusedCount = names.count
    remaining = try reader.readArrayCount()
    guard remaining == operationCount, remaining > 0 else {
      throw reader.error(.malformed("operation count"))
    }
  }

  /// Reads the next operation; at the end of the part checks that nothing is left, and returns
  /// `nil`.
  mutating func next() throws(CodingError) -> Operation? {
    guard remaining > 0 else {
      try reader.finish()
      guard unusedCount == 0 else { throw reader.error(.malformed("unused field name")) }
      return nil
    }
    remaining -= 1
    let start = reader.position
    let count = try reader.readArrayCount()
    let kind = try reader.readUnsigned()
    switch OperationKind(rawValue: kind) {
    case .delete where count == 2:
      return Operation(collection: collection, key: try reader.readKey(), change: .delete)
    case .patch where count >= 2 && count.isMultiple(of: 2):
      let key = try reader.readKey()
      let fields = try readFields((count - 2) / 2)
      return Operation(collection: collection, key: key, change: .patch(fields))
    case nil:
      throw CodingError(offset: start, problem: .unknownOperation(kind: kind))
    default:
      throw CodingError(offset: start, problem: .malformed("operation"))
    }
  }

  private mutating func readFields(_ count: Int) throws(CodingError) -> [FieldChange] {
    guard count <= names.count else { throw reader.error(.malformed("field number")) }
    var fields: [FieldChange] = []
    fields.reserveCapacity(count)
    var previous = -1
    for _ in 0..<count {
      let start = reader.position
      let number = try reader.readUnsigned()
      guard number < UInt64(names.count) else {
        throw CodingError(offset: start, problem: .malformed("field number"))
      }
      let rank = Int(number)
      guard rank > previous else {
        throw CodingError(offset: start, problem: .unordered("fields"))
      }
      previous = rank
      if !isUsed[rank] {
        isUsed[rank] = true
        unusedCount -= 1
      }
      let value = reader.readUndefinedIfPresent() ? nil : try reader.readValue()
      fields.append(FieldChange(field: names[rank], value: value))
    }
    return fields
  }
}

extension CBORReader {
  /// Reads the field names of a part, in order.
  fileprivate mutating func readFieldNames() throws(CodingError) -> [String] {
    let count = try readArrayCount()
    var names: [String] = []
    names.reserveCapacity(min(count, 1024))
    for _ in 0..<count {
      let start = position
      let name = try readText("field name", limit: JournalLimits.fieldNameBytes)
      if let last = names.last, !ByteOrder.precedes(last, name) {
        throw CodingError(offset: start, problem: .unordered("field names"))
      }
      guard !RecordMember.isReserved(name) else {
        throw CodingError(offset: start, problem: .reservedName(name))
      }
      names.append(name)
    }
    return names
  }
}
