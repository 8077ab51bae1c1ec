// SPDX-License-Identifier: Apache-2.0

/// Parsed records on their way into a store: keys in their ordered bytes, fields in CBOR, all in
/// one buffer.
///
/// A field's name is a text item and its value follows directly, so that the pair can be copied
/// in one piece. Offsets are 32 bits wide: `isFull` must be asked before each record.
struct RecordBatch {
  /// A field of one record, by its places in the buffer.
  struct Field {
    /// The text item of the name begins here.
    var start: UInt32
    /// The value begins, and the name ends, here.
    var valueStart: UInt32
    /// The value ends here.
    var end: UInt32

    var name: Range<Int> { Int(start)..<Int(valueStart) }
    var value: Range<Int> { Int(valueStart)..<Int(end) }
    var whole: Range<Int> { Int(start)..<Int(end) }
  }

  /// One record.
  struct Entry {
    /// The ordered bytes of the key.
    var keyStart: UInt32
    var keyEnd: UInt32
    /// The slots of its fields in `fields`, in the order of their names.
    var firstField: UInt32
    var endField: UInt32
    /// Where the item with the name of its collection begins; `.max` when it names none.
    var collection: UInt32
    /// The line it stands on.
    var line: UInt64

    var key: Range<Int> { Int(keyStart)..<Int(keyEnd) }
    var slots: Range<Int> { Int(firstField)..<Int(endField) }
  }

  /// Bytes after which a batch is full.
  ///
  /// One record adds at most four times the line limit.
  static let byteLimit = 64 << 20

  /// Keys and fields.
  var bytes: [UInt8] = []
  /// The fields of all records.
  var fields: [Field] = []
  /// The records, in the order of the input.
  var entries: [Entry] = []

  /// Whether another record might not fit.
  var isFull: Bool { bytes.count >= Self.byteLimit }

  /// Forgets all records and keeps the memory.
  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    fields.removeAll(keepingCapacity: true)
    entries.removeAll(keepingCapacity: true)
  }

  /// Forgets the last record.
  mutating func removeLast() {
    guard let entry = entries.popLast() else { return }
    fields.removeSubrange(Int(entry.firstField)...)
  }

  /// Orders the fields from `first` on by the bytes of their names, and returns the name that
  /// appears twice, if one does.
  @inline(__always)
  mutating func sortFields(from first: Int) -> Range<Int>? {
    guard fields.count - first > 1 else { return nil }
    if fields.count - first > 24 { return sortManyFields(from: first) }
    var index = first + 1
    while index < fields.count {
      let field = fields[index]
      var place = index
      while place > first {
        let order = compareNames(field, fields[place - 1])
        if order == 0 { return field.name }
        if order > 0 { break }
        fields[place] = fields[place - 1]
        place -= 1
      }
      if place != index { fields[place] = field }
      index += 1
    }
    return nil
  }

  @inline(never)
  private mutating func sortManyFields(from first: Int) -> Range<Int>? {
    var ordered = Array(fields[first...])
    ordered.sort { compareNames($0, $1) < 0 }
    fields.replaceSubrange(first..., with: ordered)
    for index in (first + 1)..<fields.count
    where compareNames(fields[index - 1], fields[index]) == 0 {
      return fields[index].name
    }
    return nil
  }

  @inline(__always)
  private func compareNames(_ left: Field, _ right: Field) -> Int {
    bytes.span.compare(
      ItemText.range(of: bytes, left.name), ItemText.range(of: bytes, right.name))
  }
}
