// SPDX-License-Identifier: Apache-2.0

// A part is one array of two: the names of all fields its operations use, ordered by bytes, and
// the operations. An operation is an array: its kind, its key, and for a patch the number of each
// field in the list of names followed by its value, or by "undefined" where the field is removed.

extension CollectionPart {
  /// The canonical bytes.
  ///
  /// - Throws: `CodingError` for what no part may hold.
  func encoded() throws(CodingError) -> [UInt8] {
    var names = FieldNames()
    let numbers = try names.number(fieldsOf: self)
    let ranks = names.ranks()
    var writer = CBORWriter(capacity: 64 + operations.count * 32)
    writer.write(arrayCount: 2)
    writer.write(arrayCount: names.sorted.count)
    for name in names.sorted { writer.write(text: name) }
    writer.write(arrayCount: operations.count)
    var next = 0
    for operation in operations {
      switch operation.change {
      case .delete:
        writer.write(arrayCount: 2)
        writer.write(unsigned: OperationKind.delete.rawValue)
        try writer.write(operation.key)
      case .patch(let fields):
        writer.write(arrayCount: 2 + 2 * fields.count)
        writer.write(unsigned: OperationKind.patch.rawValue)
        try writer.write(operation.key)
        try writer.write(fields, numberedBy: numbers[next..<next + fields.count], ranks)
        next += fields.count
      }
    }
    return writer.take()
  }
}

extension CBORWriter {
  /// Writes the fields of a patch.
  ///
  /// Names are sorted, so that ascending ranks are ascending names.
  fileprivate mutating func write(
    _ fields: [FieldChange], numberedBy numbers: ArraySlice<Int>, _ ranks: [Int]
  ) throws(CodingError) {
    var previous = -1
    for (field, number) in zip(fields, numbers) {
      let rank = ranks[number]
      guard rank > previous else {
        throw CodingError(
          offset: count,
          problem: rank == previous ? .duplicateKey(field.field) : .unordered("fields"))
      }
      previous = rank
      write(unsigned: UInt64(rank))
      if let value = field.value {
        try write(value)
      } else {
        writeUndefined()
      }
    }
  }
}

/// The names that the fields of a part have, numbered as they appear and later ranked by bytes.
private struct FieldNames {
  private var numbers: [ByteText: Int] = [:]
  private var names: [String] = []
  private(set) var sorted: [String] = []

  /// Numbers the fields of all patches in order.
  mutating func number(fieldsOf part: CollectionPart) throws(CodingError) -> [Int] {
    var result: [Int] = []
    // Most records of a collection have the fields of the one before: try those numbers first.
    var previous = 0..<0
    for operation in part.operations {
      guard ByteOrder.equal(operation.collection, part.collection) else {
        throw CodingError(offset: 0, problem: .malformed("operation of another collection"))
      }
      guard case .patch(let fields) = operation.change else { continue }
      let start = result.count
      for (slot, field) in fields.enumerated() {
        if slot < previous.count,
          ByteOrder.equal(names[result[previous.lowerBound + slot]], field.field)
        {
          result.append(result[previous.lowerBound + slot])
        } else {
          result.append(try number(field.field))
        }
      }
      previous = start..<result.count
    }
    return result
  }

  private mutating func number(_ name: String) throws(CodingError) -> Int {
    if let known = numbers[ByteText(name)] { return known }
    let length = name.utf8.count
    guard length <= JournalLimits.fieldNameBytes else {
      throw CodingError(
        offset: 0,
        problem: .tooLong("field name", length: length, limit: JournalLimits.fieldNameBytes))
    }
    guard !RecordMember.isReserved(name) else {
      throw CodingError(offset: 0, problem: .reservedName(name))
    }
    numbers[ByteText(name)] = names.count
    names.append(name)
    return names.count - 1
  }

  /// Sorts the names and returns the rank of each number.
  mutating func ranks() -> [Int] {
    let order = names.indices.sorted { ByteOrder.precedes(names[$0], names[$1]) }
    sorted = order.map { names[$0] }
    var ranks = Array(repeating: 0, count: names.count)
    for (rank, number) in order.enumerated() { ranks[number] = rank }
    return ranks
  }
}
