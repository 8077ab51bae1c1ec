// SPDX-License-Identifier: Apache-2.0

/// A batch in the order it will be written, with everything encoded that does not depend on the
/// transaction: made while another thread commits the batch before.
struct PreparedBatch {
  /// One record to write.
  struct Entry {
    /// Its slot in the batch.
    let slot: UInt32
    /// Where its fields are in `bytes`, names and values in turn, as in a plain state.
    let fields: Range<UInt32>
    /// Where the operation that makes it is in `bytes`, as in the journal.
    let operation: Range<UInt32>
    /// How many fields it has.
    let fieldCount: UInt32
  }

  /// The records as parsed.
  private(set) var records = RecordBatch()
  /// The records in key order; of several with one key only the last.
  private(set) var entries: [Entry] = []
  /// States and operations.
  private(set) var bytes: [UInt8] = []
  /// The field names, as the operations number them.
  private(set) var names = FieldNames()

  /// Reads records and prepares them; returns false at the end of the input.
  mutating func fill(from source: inout any RecordSource, upTo count: Int) throws -> Bool {
    records.removeAll()
    entries.removeAll(keepingCapacity: true)
    bytes.removeAll(keepingCapacity: true)
    names = FieldNames()
    let hasMore = try source.fill(&records, upTo: count)
    let parsed = records
    for slot in BatchOrder.byKey(parsed) { prepare(slot, of: parsed, parsed.bytes.span) }
    return hasMore
  }

  private mutating func prepare(_ slot: UInt32, of records: RecordBatch, _ source: Span<UInt8>) {
    let entry = records.entries[Int(slot)]
    let start = bytes.count
    for field in records.fields[entry.slots] { bytes.append(source, field.whole) }
    let end = bytes.count
    bytes.appendPatchHead(fieldCount: entry.slots.count)
    bytes.appendKeyItem(source, entry.key)
    for (place, field) in records.fields[entry.slots].enumerated() {
      let number = names.number(source, field.name, guess: place)
      bytes.appendHead(ItemType.unsigned, UInt64(number))
      bytes.append(source, field.value)
    }
    entries.append(
      Entry(
        slot: slot, fields: UInt32(start)..<UInt32(end),
        operation: UInt32(end)..<UInt32(bytes.count), fieldCount: UInt32(entry.slots.count)))
  }
}

extension Range<UInt32> {
  /// The same places as an index takes them.
  var places: Range<Int> { Int(lowerBound)..<Int(upperBound) }
}
