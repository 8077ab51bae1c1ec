// SPDX-License-Identifier: Apache-2.0

/// A batch in the order it will be written, with everything encoded that does not depend on the
/// transaction: made while another thread commits the batches before.
///
/// Holds no more than is needed for that, because many of them wait at once.
struct PreparedBatch {
  /// One record to write, by its places in `bytes` and `fields`.
  struct Entry {
    /// Where the ordered bytes of its key begin.
    fileprivate let start: UInt32
    /// Where its fields begin, names and values in turn, as in a plain state.
    fileprivate let stateStart: UInt32
    /// Where the operation that makes it begins, as in the journal.
    fileprivate let operationStart: UInt32
    fileprivate let end: UInt32
    fileprivate let firstField: UInt32
    fileprivate let endField: UInt32
    /// The number of the collection it names.
    let collection: UInt32
    /// Its place in the input, counted from the first record of the batch.
    let slot: UInt32
    /// The first bytes of the key, by which most comparisons are decided.
    let prefix: UInt64
    /// What a `KeyFilter` knows the key by.
    let hash: UInt64

    var key: Range<Int> { Int(start)..<Int(stateStart) }
    var state: Range<Int> { Int(stateStart)..<Int(operationStart) }
    var operation: Range<Int> { Int(operationStart)..<Int(end) }
    var fields: Range<Int> { Int(firstField)..<Int(endField) }
  }

  /// The records in the order of collection and key; of several with one key only the last.
  private(set) var entries: [Entry] = []
  /// Keys, states and operations.
  private(set) var bytes: [UInt8] = []
  /// The fields, inside the states.
  private(set) var fields: [RecordBatch.Field] = []
  /// The field names, as the operations number them.
  private(set) var names = FieldNames()
  /// The collections that the records name, in order; empty when all go to one.
  private(set) var collections: [String] = []
  /// How many records were read.
  private(set) var recordCount = 0
  /// Whether they were in order, so that the next ones will be.
  private(set) var isInOrder = true
  /// The line of the last of them.
  private(set) var line: UInt64 = 0

  /// Reads records and prepares them; returns false at the end of the input.
  ///
  /// `parsed` is memory to parse into.
  mutating func fill(
    from source: inout any RecordSource, upTo count: Int, using parsed: inout RecordBatch
  ) throws -> Bool {
    removeAll()
    parsed.removeAll()
    let hasMore = try source.fill(&parsed, upTo: count)
    recordCount = parsed.entries.count
    line = parsed.entries.last?.line ?? 0
    let named = NamedCollections(parsed)
    collections = named.names
    entries.reserveCapacity(parsed.entries.count)
    let source = parsed.bytes.span
    let (order, isInOrder) = BatchOrder.sorted(parsed, named)
    self.isInOrder = isInOrder
    for item in order { prepare(item, of: parsed, source) }
    return hasMore
  }

  private mutating func removeAll() {
    entries.removeAll(keepingCapacity: true)
    bytes.removeAll(keepingCapacity: true)
    fields.removeAll(keepingCapacity: true)
    names = FieldNames()
  }

  private mutating func prepare(
    _ item: BatchOrder.Item, of records: RecordBatch, _ source: Span<UInt8>
  ) {
    let entry = records.entries[Int(item.slot)]
    let start = bytes.count
    bytes.append(source, entry.key)
    let state = bytes.count
    let firstField = fields.count
    for field in records.fields[entry.slots] {
      fields.append(field.moved(to: bytes.count))
      bytes.append(source, field.whole)
    }
    let operation = bytes.count
    bytes.appendPatchHead(fieldCount: entry.slots.count)
    bytes.appendKeyItem(source, entry.key)
    for (place, field) in records.fields[entry.slots].enumerated() {
      let number = names.number(source, field.name, guess: place)
      bytes.appendHead(ItemType.unsigned, UInt64(number))
      bytes.append(source, field.value)
    }
    entries.append(
      Entry(
        start: UInt32(start), stateStart: UInt32(state), operationStart: UInt32(operation),
        end: UInt32(bytes.count), firstField: UInt32(firstField), endField: UInt32(fields.count),
        collection: item.collection,
        slot: item.slot, prefix: item.prefix,
        hash: KeyFilter.hash(source, entry.key, collection: named(item.collection))))
  }

  /// The name of the collection with a number; empty when the records name none.
  func named(_ collection: UInt32) -> String {
    collections.isEmpty ? "" : collections[Int(collection)]
  }
}

extension RecordBatch.Field {
  /// The same field where its name begins at another place.
  fileprivate func moved(to place: Int) -> RecordBatch.Field {
    let start = UInt32(place)
    return RecordBatch.Field(
      start: start, valueStart: start + (valueStart - self.start), end: start + (end - self.start))
  }
}
