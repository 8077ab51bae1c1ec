// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

/// Reads the operations of one collection's part of a transaction, straight from its canonical
/// bytes, and refuses every other form.
struct OperationCursor {
  /// One operation.
  struct Operation {
    /// The key in its ordered bytes.
    var key: [UInt8] = []
    /// What happens to fields, ordered by name; values are in the bytes of the part.
    var edits: [FieldEdit] = []
    /// Whether it writes that the record is alive.
    var leavesAlive = true
  }

  /// The names that the operations use.
  let names: FieldNames
  private var isUsed: [Bool]
  private var remaining: Int
  private var cursor: ItemCursor

  /// Reads the beginning of the part in `range` of `bytes`.
  init(
    _ bytes: Span<UInt8>, in range: Range<Int>, operationCount: Int
  ) throws(ItemFault) {
    cursor = ItemCursor(at: range.lowerBound, end: range.upperBound)
    guard try cursor.strictHead(bytes).initial == ItemType.array << 5 | 2 else {
      throw cursor.fault("a part of another shape")
    }
    names = try Self.readNames(bytes, &cursor)
    isUsed = Array(repeating: false, count: names.count)
    let head = try cursor.strictHead(bytes)
    guard head.type == ItemType.array, head.argument == UInt64(operationCount) else {
      throw cursor.fault("another number of operations than the header says")
    }
    remaining = operationCount
  }

  /// Reads all operations of a part, to find out whether they are what they should be.
  ///
  /// - Throws: `ItemFault`, `UnknownOperation`.
  static func check(
    _ bytes: Span<UInt8>, in range: Range<Int>, operationCount: Int
  ) throws {
    var cursor = try OperationCursor(bytes, in: range, operationCount: operationCount)
    var operation = Operation()
    while try cursor.next(bytes, into: &operation) {}
  }

  private static func readNames(
    _ bytes: Span<UInt8>, _ cursor: inout ItemCursor
  ) throws(ItemFault) -> FieldNames {
    var names = FieldNames()
    let head = try cursor.strictHead(bytes)
    guard head.type == ItemType.array else { throw cursor.fault("an item of another type") }
    guard head.argument <= UInt64(cursor.end - cursor.offset) else {
      throw cursor.fault("an absurd count")
    }
    for _ in 0..<head.argument {
      let name = try cursor.strictText(bytes)
      guard name.count <= JournalLimits.fieldNameBytes + 5 else {
        throw ItemFault(offset: name.lowerBound, problem: "a field name is too long")
      }
      names.append(bytes, name)
      let number = names.count - 1
      guard number == 0 || names.compare(number - 1, number) < 0 else {
        throw ItemFault(offset: name.lowerBound, problem: "field names are not in order")
      }
      guard !RecordMember.isReserved(names.text(number)) else {
        throw ItemFault(offset: name.lowerBound, problem: "a reserved field name")
      }
    }
    return names
  }

  /// Reads the next operation into `operation`; returns false behind the last, where it checks
  /// that nothing is left.
  ///
  /// - Throws: `ItemFault`, `UnknownOperation`.
  mutating func next(
    _ bytes: Span<UInt8>, into operation: inout Operation
  ) throws -> Bool {
    guard remaining > 0 else {
      guard cursor.isAtEnd, isUsed.allSatisfy({ $0 }) else {
        throw cursor.fault("something is left behind the operations")
      }
      return false
    }
    remaining -= 1
    let start = cursor.offset
    let head = try cursor.strictHead(bytes)
    let kind = try cursor.strictHead(bytes)
    let malformed = ItemFault(offset: start, problem: "an operation of another shape")
    guard head.type == ItemType.array, kind.type == ItemType.unsigned else { throw malformed }
    operation.edits.removeAll(keepingCapacity: true)
    switch kind.argument {
    case OperationItem.patchKind where head.argument >= 2 && head.argument.isMultiple(of: 2):
      operation.leavesAlive = true
      try readKey(bytes, into: &operation.key)
      for _ in 0..<(head.argument - 2) / 2 { try readEdit(bytes, into: &operation.edits) }
    case OperationItem.deleteKind where head.argument == 2:
      operation.leavesAlive = false
      try readKey(bytes, into: &operation.key)
    case OperationItem.patchKind, OperationItem.deleteKind: throw malformed
    default: throw UnknownOperation(kind: kind.argument)
    }
    return true
  }

  @inline(__always)
  private mutating func readEdit(
    _ bytes: Span<UInt8>, into edits: inout [FieldEdit]
  ) throws(ItemFault) {
    let start = cursor.offset
    let number = try cursor.strictHead(bytes)
    guard number.type == ItemType.unsigned, number.argument < UInt64(names.count),
      edits.last.map({ UInt64($0.name) < number.argument }) ?? true
    else { throw ItemFault(offset: start, problem: "fields are not in order") }
    let name = Int(number.argument)
    isUsed[name] = true
    guard cursor.offset < cursor.end else { throw cursor.fault("the item is missing") }
    if bytes[cursor.offset] == ItemType.undefinedByte {
      _ = try cursor.head(bytes)
      edits.append(FieldEdit(name: name, value: 0..<0))
    } else {
      edits.append(FieldEdit(name: name, value: try cursor.strictValue(bytes)))
    }
  }

  @inline(__always)
  private mutating func readKey(
    _ bytes: Span<UInt8>, into key: inout [UInt8]
  ) throws(ItemFault) {
    key.removeAll(keepingCapacity: true)
    let start = cursor.offset
    guard start < cursor.end else { throw cursor.fault("the item is missing") }
    if bytes[start] >> 5 == ItemType.text {
      let item = try cursor.strictText(bytes)
      let text = start + ItemText.headLength(bytes[start])..<item.upperBound
      guard text.count <= JournalLimits.keyBytes else {
        throw ItemFault(offset: start, problem: "a key is too long")
      }
      key.append(KeyBytes.textKind)
      key.append(bytes, text)
      return
    }
    let head = try cursor.strictHead(bytes)
    switch head.type {
    case ItemType.unsigned, ItemType.negative:
      guard KeyBytes.appendInteger(head, to: &key) else {
        throw ItemFault(offset: start, problem: "a key beyond 64 bits")
      }
    default:
      let uuid = cursor.offset..<min(cursor.offset + 17, cursor.end)
      guard bytes[start] == OperationItem.uuidHead[0], head.argument == 37, uuid.count == 17,
        bytes[uuid.lowerBound] == OperationItem.uuidHead[2]
      else { throw ItemFault(offset: start, problem: "a key of another kind") }
      _ = try cursor.advance(over: 17)
      key.append(KeyBytes.uuidKind)
      key.append(bytes, uuid.dropFirst())
    }
  }
}

/// An operation of a kind that a later version of this program writes.
struct UnknownOperation: Error {
  let kind: UInt64
}
