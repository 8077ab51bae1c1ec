// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

/// Collects the operations of one transaction in one collection, in the journal's canonical form.
///
/// The form numbers field names in the order of their bytes. Operations are written at once with
/// the numbers in the order of appearance; where that turns out to be another order, they are
/// rewritten at the end. Records that all have the same fields never need it.
struct PartBuilder {
  /// The names of the fields written so far; only names that operations use.
  var names = FieldNames()
  /// How many operations there are.
  private(set) var operationCount = 0
  private var operations: [UInt8] = []

  static let patchKind: UInt64 = 1
  static let deleteKind: UInt64 = 2
  /// The head of a UUID key: tag 37 (two bytes) and the head of sixteen bytes.
  static let uuidHead: [UInt8] = [0xd8, 37, ItemType.bytes << 5 | 16]

  /// Adds a patch; `edits` are ordered by name, `key` holds ordered bytes.
  mutating func appendPatch(
    _ keyBytes: Span<UInt8>, _ key: Range<Int>, _ edits: [FieldEdit], _ values: Span<UInt8>
  ) {
    operationCount += 1
    operations.appendHead(ItemType.array, UInt64(2 + 2 * edits.count))
    operations.appendHead(ItemType.unsigned, Self.patchKind)
    appendKey(keyBytes, key)
    for edit in edits {
      operations.appendHead(ItemType.unsigned, UInt64(edit.name))
      if edit.value.isEmpty {
        operations.append(ItemType.undefinedByte)
      } else {
        operations.append(values, edit.value)
      }
    }
  }

  /// Adds a deletion.
  mutating func appendDelete(_ keyBytes: Span<UInt8>, _ key: Range<Int>) {
    operationCount += 1
    operations.append(ItemType.array << 5 | 2)
    operations.appendHead(ItemType.unsigned, Self.deleteKind)
    appendKey(keyBytes, key)
  }

  /// Writes a key as the item that means it.
  private mutating func appendKey(_ bytes: Span<UInt8>, _ key: Range<Int>) {
    let body = key.dropFirst()
    switch bytes[key.lowerBound] {
    case KeyBytes.integerKind:
      var number: UInt64 = 0
      for index in body { number = number << 8 | UInt64(bytes[index]) }
      operations.appendInteger(Int64(bitPattern: number ^ 1 << 63))
    case KeyBytes.textKind:
      operations.appendHead(ItemType.text, UInt64(body.count))
      operations.append(bytes, body)
    default:
      operations.append(contentsOf: Self.uuidHead)
      operations.append(bytes, body)
    }
  }

  /// Ends the part and returns its bytes; the builder is used up.
  mutating func finish() throws(ItemFault) -> [UInt8] {
    let order = (0..<names.count).sorted { names.compare($0, $1) < 0 }
    var output: [UInt8] = []
    output.reserveCapacity(operations.count + names.bytes.count + 16)
    output.append(ItemType.array << 5 | 2)
    output.appendHead(ItemType.array, UInt64(names.count))
    for number in order { output.append(names.bytes.span, names.ranges[number]) }
    output.appendHead(ItemType.array, UInt64(operationCount))
    if order.elementsEqual(order.indices) {
      output.append(operations.span, 0..<operations.count)
    } else {
      var ranks = Array(repeating: 0, count: order.count)
      for (rank, number) in order.enumerated() { ranks[number] = rank }
      try renumber(ranks, into: &output)
    }
    operations = []
    return output
  }

  /// Copies the operations with other field numbers.
  private func renumber(_ ranks: [Int], into output: inout [UInt8]) throws(ItemFault) {
    let bytes = operations.span
    var cursor = ItemCursor(end: bytes.count)
    for _ in 0..<operationCount {
      let start = cursor.offset
      let count = try cursor.count(ItemType.array, bytes)
      _ = try cursor.unsigned(bytes)
      if bytes[cursor.offset] == Self.uuidHead[0] { _ = try cursor.head(bytes) }
      _ = try cursor.item(bytes)
      output.append(bytes, start..<cursor.offset)
      for _ in 0..<(count - 2) / 2 {
        let number = Int(try cursor.unsigned(bytes))
        output.appendHead(ItemType.unsigned, UInt64(ranks[number]))
        output.append(bytes, try cursor.item(bytes))
      }
    }
  }
}
