// SPDX-License-Identifier: Apache-2.0

public import ChangeJournal
public import StorageEngine

/// A unit of work: what it writes becomes one journal transaction, or nothing.
public final class RecordTransaction: RecordReader {
  /// The trees underneath, with the changes made so far.
  public let trees: any TreeReader

  init(_ trees: any TreeReader) {
    self.trees = trees
  }

  /// Makes a record have exactly these fields: writes those that differ and removes those that
  /// are there and not given. Writes nothing when nothing differs.
  public func put(
    _ collection: String, _ key: RecordKey, _ fields: [StoredRecord.Field]
  ) throws {}

  /// Sets some fields of a record (`nil` removes one) and leaves the others; makes the record if
  /// there is none. Writes nothing when nothing differs.
  public func patch(_ collection: String, _ key: RecordKey, _ changes: [FieldChange]) throws {}

  /// Deletes a record. Returns whether there was one.
  @discardableResult
  public func delete(_ collection: String, _ key: RecordKey) throws -> Bool {
    false
  }
}
