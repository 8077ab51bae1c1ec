// SPDX-License-Identifier: Apache-2.0

// The format is described in docs/FORMAT.md, section 5.

/// The state of one record, taken apart.
///
/// Values and names stay in the bytes it was read from.
///
/// One value of this type is used for many records, so that its memory is.
struct RecordState {
  /// A write of a field that no other write has seen.
  struct Sibling {
    /// The slot of its stamp.
    let stamp: Int
    /// Where its value is; empty when the field was removed.
    let value: Range<Int>
  }

  /// A field and its siblings.
  struct Field {
    /// Where the text item of the name is.
    let name: Range<Int>
    /// The slots of its siblings, at least one.
    let siblings: Range<Int>
  }

  /// A write of the record's life that no other write has seen.
  struct Life {
    /// The slot of its stamp.
    let stamp: Int
    /// Whether it left the record alive.
    let isAlive: Bool
  }

  /// The stamps in order.
  private(set) var stamps: [Stamp] = []
  /// The life siblings, ordered by stamp.
  private(set) var life: [Life] = []
  /// The fields, ordered by name.
  private(set) var fields: [Field] = []
  /// The siblings of all fields, each field's ordered by stamp.
  private(set) var siblings: [Sibling] = []

  /// Whether the record is there for readers.
  var isAlive: Bool { life.contains { $0.isAlive } }

  /// Whether the life siblings disagree: deleted here, changed there.
  var isLifeContested: Bool { isAlive && !life.allSatisfy { $0.isAlive } }

  /// Where the value of a field that readers see is; `nil` when they see none.
  @inline(__always)
  func visibleValue(of field: Field) -> Range<Int>? {
    let value = siblings[field.siblings.upperBound - 1].value
    return value.isEmpty ? nil : value
  }

  /// Becomes the state of a record that never was.
  mutating func clear() {
    stamps.removeAll(keepingCapacity: true)
    life.removeAll(keepingCapacity: true)
    fields.removeAll(keepingCapacity: true)
    siblings.removeAll(keepingCapacity: true)
  }

  /// Takes apart the state in `bytes`.
  ///
  /// - Throws: `ItemFault` when the bytes are not what `StateWriter` writes.
  mutating func read(_ bytes: Span<UInt8>) throws(ItemFault) {
    clear()
    var cursor = ItemCursor(end: bytes.count)
    let count = try cursor.count(ItemType.array, bytes)
    guard count >= 3 else { throw cursor.fault("a record of another shape") }
    if bytes[cursor.offset] >> 5 == ItemType.unsigned {
      try readPlain(bytes, &cursor, count)
      return
    }
    guard count == 3 else { throw cursor.fault("a record of another shape") }
    try readStamps(bytes, &cursor)
    try readLife(bytes, &cursor)
    try readFields(bytes, &cursor)
    guard cursor.isAtEnd else { throw cursor.fault("bytes after a record") }
  }

  private mutating func readPlain(
    _ bytes: Span<UInt8>, _ cursor: inout ItemCursor, _ count: Int
  ) throws(ItemFault) {
    guard count % 2 == 1 else { throw cursor.fault("fields are no pairs") }
    let tag = try cursor.unsigned(bytes)
    let sequence = try cursor.unsigned(bytes)
    let timestamp = try cursor.unsigned(bytes)
    stamps.append(Stamp(timestamp: timestamp, tag: tag, sequence: sequence))
    life.append(Life(stamp: 0, isAlive: true))
    for slot in 0..<(count - 3) / 2 {
      let start = cursor.offset
      _ = try cursor.string(ItemType.text, bytes)
      fields.append(Field(name: start..<cursor.offset, siblings: slot..<slot + 1))
      siblings.append(Sibling(stamp: 0, value: try cursor.item(bytes)))
    }
    guard cursor.isAtEnd else { throw cursor.fault("bytes after a record") }
  }

  private mutating func readStamps(
    _ bytes: Span<UInt8>, _ cursor: inout ItemCursor
  ) throws(ItemFault) {
    let count = try cursor.count(ItemType.array, bytes)
    guard count > 0, count % 3 == 0 else { throw cursor.fault("stamps are no triples") }
    for _ in 0..<count / 3 {
      let tag = try cursor.unsigned(bytes)
      let sequence = try cursor.unsigned(bytes)
      let timestamp = try cursor.unsigned(bytes)
      stamps.append(Stamp(timestamp: timestamp, tag: tag, sequence: sequence))
    }
  }

  private mutating func readLife(
    _ bytes: Span<UInt8>, _ cursor: inout ItemCursor
  ) throws(ItemFault) {
    let count = try cursor.count(ItemType.array, bytes)
    guard count > 0 else { throw cursor.fault("a record without a life") }
    for _ in 0..<count {
      let number = try cursor.unsigned(bytes)
      guard number / 2 < UInt64(stamps.count) else { throw cursor.fault("no such stamp") }
      life.append(Life(stamp: Int(number / 2), isAlive: number % 2 == 1))
    }
  }

  private mutating func readFields(
    _ bytes: Span<UInt8>, _ cursor: inout ItemCursor
  ) throws(ItemFault) {
    let count = try cursor.count(ItemType.array, bytes)
    guard count % 2 == 0 else { throw cursor.fault("fields are no pairs") }
    for _ in 0..<count / 2 {
      let start = cursor.offset
      _ = try cursor.string(ItemType.text, bytes)
      let name = start..<cursor.offset
      let siblingItems = try cursor.count(ItemType.array, bytes)
      guard siblingItems > 0, siblingItems % 2 == 0 else {
        throw cursor.fault("siblings are no pairs")
      }
      let first = siblings.count
      for _ in 0..<siblingItems / 2 { try readSibling(bytes, &cursor) }
      fields.append(Field(name: name, siblings: first..<siblings.count))
    }
  }

  @inline(__always)
  private mutating func readSibling(
    _ bytes: Span<UInt8>, _ cursor: inout ItemCursor
  ) throws(ItemFault) {
    let stamp = try cursor.unsigned(bytes)
    guard stamp < UInt64(stamps.count) else { throw cursor.fault("no such stamp") }
    var value = try cursor.item(bytes)
    if value.count == 1, bytes[value.lowerBound] == ItemType.undefinedByte {
      value = value.upperBound..<value.upperBound
    }
    siblings.append(Sibling(stamp: Int(stamp), value: value))
  }
}
