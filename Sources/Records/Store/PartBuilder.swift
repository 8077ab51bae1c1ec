// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

/// Collects the operations of one transaction in one collection, in the journal's canonical form.
///
/// The form numbers field names in the order of their bytes. Operations are written at once with
/// the numbers in the order of appearance; where that turns out to be another order, they are
/// rewritten at the end. Records that all have the same fields never need it.
struct PartBuilder {
  /// The names of the fields, by number.
  var names = FieldNames()
  /// How many operations there are.
  private(set) var operationCount = 0
  private var operations: [UInt8] = []
  /// Room for what stands around the first values.
  private static let headRoom = 32
  /// Whether there may be names that no operation uses.
  private var mayHaveUnusedNames = false

  /// Adds a patch; `edits` are ordered by name, `key` holds ordered bytes.
  mutating func appendPatch(
    _ keyBytes: Span<UInt8>, _ key: Range<Int>, _ edits: [FieldEdit], _ values: Span<UInt8>
  ) {
    operationCount += 1
    if operations.isEmpty { operations.reserveCapacity(values.count + Self.headRoom) }
    operations.appendPatchHead(fieldCount: edits.count)
    operations.appendKeyItem(keyBytes, key)
    for edit in edits {
      operations.appendHead(ItemType.unsigned, UInt64(edit.name))
      if edit.value.isEmpty {
        operations.append(ItemType.undefinedByte)
      } else {
        operations.append(values, edit.value)
      }
    }
  }

  /// Notes that a patch was not added after all: its names may be used by no other.
  mutating func dropEdits() {
    mayHaveUnusedNames = true
  }

  /// Adds a deletion.
  mutating func appendDelete(_ keyBytes: Span<UInt8>, _ key: Range<Int>) {
    operationCount += 1
    operations.append(ItemType.array << 5 | 2)
    operations.appendHead(ItemType.unsigned, OperationItem.deleteKind)
    operations.appendKeyItem(keyBytes, key)
  }

  /// Takes over the numbering of operations prepared elsewhere; false when it does not fit to what
  /// is here already.
  mutating func adopt(_ prepared: FieldNames) -> Bool {
    guard names.isPrefix(of: prepared) || prepared.isPrefix(of: names) else { return false }
    if prepared.count > names.count {
      names = prepared
      mayHaveUnusedNames = true
    }
    return true
  }

  /// Adds an operation prepared with names that were adopted.
  @inline(__always)
  mutating func append(prepared bytes: Span<UInt8>, _ operation: Range<Int>) {
    operationCount += 1
    operations.append(bytes, operation)
  }

  /// Ends the part and returns its bytes; the builder is used up.
  mutating func finish() throws(ItemFault) -> [UInt8] {
    let used = mayHaveUnusedNames ? try usedNames() : Array(0..<names.count)
    let order = used.sorted { names.compare($0, $1) < 0 }
    var output: [UInt8] = []
    output.reserveCapacity(operations.count + names.bytes.count + 16)
    output.append(ItemType.array << 5 | 2)
    output.appendHead(ItemType.array, UInt64(order.count))
    for number in order { output.append(names.bytes.span, names.ranges[number]) }
    output.appendHead(ItemType.array, UInt64(operationCount))
    if order.elementsEqual(order.indices) {
      output.append(operations.span, 0..<operations.count)
    } else {
      var ranks = Array(repeating: 0, count: names.count)
      for (rank, number) in order.enumerated() { ranks[number] = rank }
      try renumber(ranks, into: &output)
    }
    operations = []
    return output
  }

  /// Copies the operations with other field numbers.
  private func renumber(_ ranks: [Int], into output: inout [UInt8]) throws(ItemFault) {
    let bytes = operations.span
    var copied = 0
    try forEachFieldNumber { place, number in
      output.append(bytes, copied..<place.lowerBound)
      output.appendHead(ItemType.unsigned, UInt64(ranks[number]))
      copied = place.upperBound
      return true
    }
    output.append(bytes, copied..<bytes.count)
  }

  /// The numbers of the names that operations use.
  private func usedNames() throws(ItemFault) -> [Int] {
    var isUsed = Array(repeating: false, count: names.count)
    var unusedCount = names.count
    try forEachFieldNumber { _, number in
      if !isUsed[number] { unusedCount -= 1 }
      isUsed[number] = true
      return unusedCount > 0
    }
    return isUsed.indices.filter { isUsed[$0] }
  }

  /// Passes on each field number in the operations, with its place, until `body` returns false.
  private func forEachFieldNumber(
    _ body: (Range<Int>, Int) -> Bool
  ) throws(ItemFault) {
    let bytes = operations.span
    var cursor = ItemCursor(end: bytes.count)
    for _ in 0..<operationCount {
      let count = try cursor.count(ItemType.array, bytes)
      _ = try cursor.unsigned(bytes)
      if bytes[cursor.offset] == OperationItem.uuidHead[0] { _ = try cursor.head(bytes) }
      _ = try cursor.item(bytes)
      for _ in 0..<(count - 2) / 2 {
        let start = cursor.offset
        let number = Int(try cursor.unsigned(bytes))
        guard body(start..<cursor.offset, number) else { return }
        _ = try cursor.item(bytes)
      }
    }
  }
}

/// What an operation of the journal begins with.
enum OperationItem {
  static let patchKind: UInt64 = 1
  static let deleteKind: UInt64 = 2
  /// The head of a UUID key: tag 37 (two bytes) and the head of sixteen bytes.
  static let uuidHead: [UInt8] = [0xd8, 37, ItemType.bytes << 5 | 16]
}

extension [UInt8] {
  /// Begins a patch: behind it come the key and the fields.
  @inline(__always)
  mutating func appendPatchHead(fieldCount: Int) {
    appendHead(ItemType.array, UInt64(2 + 2 * fieldCount))
    appendHead(ItemType.unsigned, OperationItem.patchKind)
  }

  /// Writes a key, given in its ordered bytes, as the item that means it in an operation.
  mutating func appendKeyItem(_ bytes: Span<UInt8>, _ key: Range<Int>) {
    let body = key.dropFirst()
    switch bytes[key.lowerBound] {
    case KeyBytes.integerKind:
      var number: UInt64 = 0
      for index in body { number = number << 8 | UInt64(bytes[index]) }
      appendInteger(Int64(bitPattern: number ^ 1 << 63))
    case KeyBytes.textKind:
      appendHead(ItemType.text, UInt64(body.count))
      append(bytes, body)
    default:
      append(contentsOf: OperationItem.uuidHead)
      append(bytes, body)
    }
  }
}
