// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import StorageEngine

/// Lists records one by one, in key order.
///
/// Valid as long as the view it was made from.
public struct RecordIterator {
  private let collection: String
  private let cursor: Cursor?
  private var view = RecordView()

  init(_ collection: String, _ cursor: Cursor?) {
    self.collection = collection
    self.cursor = cursor
  }

  /// Reads the next record; `nil` behind the last.
  public mutating func next() throws -> StoredRecord? {
    guard try advance(), let cursor else { return nil }
    return try view.record(collection, cursor.key)
  }

  /// Moves to the next record that is alive, without decoding its values.
  mutating func advance() throws -> Bool {
    guard let cursor else { return false }
    while try cursor.next() {
      if try view.read(try cursor.value(), collection, cursor.key) { return true }
    }
    return false
  }

  /// The key of the present record in its ordered bytes.
  var key: [UInt8] { cursor?.key ?? [] }

  /// The present record.
  var current: RecordView { view }
}

/// What readers see of one record: its visible fields, in the bytes of its state.
struct RecordView {
  /// The bytes of the state.
  private(set) var bytes: [UInt8] = []
  private var state = RecordState()

  /// A visible field, by its places in `bytes`.
  typealias Field = (name: Range<Int>, value: Range<Int>)

  /// Takes apart the state of a record; returns whether it is alive.
  mutating func read(_ bytes: [UInt8], _ collection: String, _ key: [UInt8]) throws -> Bool {
    self.bytes = bytes
    do {
      try state.read(bytes.span)
    } catch {
      throw RecordStoreError.corruptRecord(collection, key, error)
    }
    return state.isAlive
  }

  /// The fields readers see, ordered by name.
  func forEachField<E: Error>(_ body: (Field) throws(E) -> Void) throws(E) {
    for field in state.fields {
      if let value = state.visibleValue(of: field) { try body((field.name, value)) }
    }
  }

  /// Decodes the record.
  func record(_ collection: String, _ key: [UInt8]) throws -> StoredRecord {
    var fields: [StoredRecord.Field] = []
    fields.reserveCapacity(state.fields.count)
    do throws(CodingError) {
      try forEachField { (field) throws(CodingError) in
        var reader = CBORReader(bytes, from: field.value.lowerBound, upTo: field.value.upperBound)
        fields.append(
          StoredRecord.Field(ItemText.decode(bytes, field.name), try reader.readValue()))
      }
      return StoredRecord(key: try RecordKey(orderedBytes: key), fields: fields)
    } catch {
      throw RecordStoreError.corruptRecord(
        collection, key, ItemFault(offset: error.offset, problem: "\(error.problem)"))
    }
  }
}
