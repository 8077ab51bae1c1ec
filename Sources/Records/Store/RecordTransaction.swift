// SPDX-License-Identifier: Apache-2.0

public import ChangeJournal
public import StorageEngine

/// A unit of work: what it writes becomes one journal transaction, or nothing.
///
/// Valid only inside the call of `RecordStore.write` that made it.
public final class RecordTransaction: RecordReader {
  /// The trees underneath, with the changes made so far.
  public var trees: any TreeReader { transaction }

  /// The transaction of the engine, for what becomes part of the same commit beside the records: of
  /// durable maps, of trees, segments and indexes of one's own.
  ///
  /// The trees of the records must not be changed through it. Where a change through it throws, a part
  /// of that may be done: unless the error is passed on, it is committed with the rest.
  public var engineTransaction: WriteTransaction { transaction }

  private let transaction: WriteTransaction
  private let coverage: Coverage
  private var writers: [CollectionWriter] = []
  /// Where the writers are, all but the last: most transactions have only one.
  private var slots: [ByteText: Int] = [:]
  /// An error of the engine within a write: part of it may be done, so nothing may be committed.
  private var failure: (any Error)?

  /// The last commit that this builds on; `nil` when the same transaction of the engine has
  /// changed records before.
  let base: UInt64?

  init(_ transaction: WriteTransaction, _ stamp: Stamp, base: UInt64?) {
    self.transaction = transaction
    self.base = base
    coverage = Coverage(local: stamp)
  }

  /// Makes a record have exactly these fields.
  ///
  /// Writes those that differ and removes those that are there and not given. A field equal to
  /// the stored one is not written, unless concurrent writes stand beside it: then it settles
  /// them. Returns whether anything was written.
  ///
  /// - Throws: `RecordStoreError` for a name, key or value that cannot be stored.
  @discardableResult
  public func put(
    _ collection: String, _ key: RecordKey, _ fields: [StoredRecord.Field]
  ) throws -> Bool {
    let batch = try RecordBatch(key, fields.map { FieldChange(field: $0.name, value: $0.value) })
    return try change(collection) { writer in
      try writer.put(batch.bytes.span, key: batch.entries[0].key, batch.fields[...])
    }
  }

  /// Sets some fields of a record, removes those given as `nil`, and leaves the others.
  ///
  /// Makes the record if there is none. Returns whether anything was written.
  ///
  /// - Throws: `RecordStoreError` for a name, key or value that cannot be stored.
  @discardableResult
  public func patch(
    _ collection: String, _ key: RecordKey, _ changes: [FieldChange]
  ) throws -> Bool {
    let batch = try RecordBatch(key, changes)
    return try change(collection) { writer in
      try writer.patch(batch.bytes.span, key: batch.entries[0].key, batch.fields[...])
    }
  }

  /// Deletes a record.
  ///
  /// Returns whether there was one.
  @discardableResult
  public func delete(_ collection: String, _ key: RecordKey) throws -> Bool {
    let batch = try RecordBatch(key, [])
    return try change(collection) { writer in
      try writer.delete(batch.bytes.span, key: batch.entries[0].key)
    }
  }

  /// Runs `body` on the writer of a collection.
  func change<R>(
    _ collection: String, _ body: (inout CollectionWriter) throws -> R
  ) throws -> R {
    if let failure { throw failure }
    let slot = try slot(of: collection)
    do {
      return try body(&writers[slot])
    } catch {
      failure = error
      throw error
    }
  }

  private func slot(of collection: String) throws -> Int {
    if let last = writers.indices.last, ByteOrder.equal(writers[last].collection, collection) {
      return last
    }
    if !slots.isEmpty, let slot = slots[ByteText(collection)] { return slot }
    guard (1...JournalLimits.collectionNameBytes).contains(collection.utf8.count) else {
      throw RecordStoreError.invalidCollection(collection)
    }
    let last = writers.indices.last
    writers.append(try CollectionWriter(collection, in: transaction, coverage: coverage))
    if let last { slots[ByteText(writers[last].collection)] = last }
    return writers.count - 1
  }

  /// Ends the unit of work: writes what the collections keep count of and returns the operations;
  /// `nil` when there are none.
  func finish() throws -> EncodedParts? {
    if let failure { throw failure }
    failure = EngineError.closed
    var parts: [EncodedParts.Assembled] = []
    for slot in writers.indices.sorted(by: {
      ByteOrder.precedes(writers[$0].collection, writers[$1].collection)
    }) where writers[slot].part.operationCount > 0 {
      try writers[slot].storeTombstoneCount()
      let count = writers[slot].part.operationCount
      parts.append(
        EncodedParts.Assembled(
          collection: writers[slot].collection, operationCount: count,
          bytes: try writers[slot].part.finish()))
    }
    writers = []
    return parts.isEmpty ? nil : try EncodedParts(assembled: parts)
  }
}

extension RecordBatch {
  /// One record made of values; a `nil` value becomes an empty one.
  init(_ key: RecordKey, _ changes: [FieldChange]) throws {
    bytes.reserveCapacity(256)
    for change in changes {
      guard change.field.utf8.count <= JournalLimits.fieldNameBytes,
        !RecordMember.isReserved(change.field)
      else { throw RecordStoreError.invalidField(change.field) }
      let start = bytes.count
      bytes.appendText(change.field)
      let valueStart = bytes.count
      if let value = change.value { bytes += try Self.encode(value, change.field) }
      fields.append(
        Field(start: UInt32(start), valueStart: UInt32(valueStart), end: UInt32(bytes.count)))
      guard bytes.count <= Self.byteLimit else {
        throw RecordStoreError.invalidValue(
          field: change.field,
          problem: .tooLong("bytes of a record", length: bytes.count, limit: Self.byteLimit))
      }
    }
    if let duplicate = sortFields(from: 0) {
      throw RecordStoreError.duplicateField(ItemText.decode(bytes, duplicate))
    }
    let keyStart = bytes.count
    bytes += key.orderedBytes
    if case .text(let text) = key, text.utf8.count > JournalLimits.keyBytes {
      throw RecordStoreError.keyTooLong(
        length: text.utf8.count, limit: JournalLimits.keyBytes)
    }
    entries.append(
      Entry(
        keyStart: UInt32(keyStart), keyEnd: UInt32(bytes.count), firstField: 0,
        endField: UInt32(fields.count), collection: .max, line: 0))
  }

  private static func encode(_ value: Value, _ field: String) throws -> [UInt8] {
    do {
      let bytes = try value.encoded()
      var cursor = ItemCursor(end: bytes.count)
      // The journal allows one level more than a printed record can have.
      do {
        _ = try cursor.strictValue(bytes.span)
      } catch {
        throw CodingError(offset: error.offset, problem: .tooDeep(limit: JournalLimits.fieldDepth))
      }
      return bytes
    } catch let error as CodingError {
      throw RecordStoreError.invalidValue(field: field, problem: error.problem)
    }
  }
}
