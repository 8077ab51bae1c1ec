// SPDX-License-Identifier: Apache-2.0

public import ChangeJournal
public import StorageEngine

/// A consistent view of the records: a snapshot, or a transaction with its own changes.
public protocol RecordReader: AnyObject {
  /// The trees underneath.
  var trees: any TreeReader { get }
}

/// A consistent view of the last durable state.
public final class RecordSnapshot: RecordReader {
  /// The trees underneath.
  public let trees: any TreeReader

  init(_ trees: any TreeReader) {
    self.trees = trees
  }
}

extension RecordReader {
  /// Reads a record; `nil` when there is none.
  public func get(_ collection: String, _ key: RecordKey) throws -> StoredRecord? {
    nil
  }

  /// Lists the collections that have records, ordered by name (bytes).
  public func collections() throws -> [String] {
    []
  }

  /// Counts the records of a collection.
  public func count(of collection: String) throws -> UInt64 {
    0
  }

  /// Lists the records of a collection in key order.
  ///
  /// - Parameters:
  ///   - collection: The collection; one that does not exist has no records.
  ///   - from: The first key that may be listed.
  ///   - prefix: Lists only text keys that begin with this text.
  ///   - reversed: Lists the last first.
  public func records(
    in collection: String, from: RecordKey? = nil, prefix: String? = nil, reversed: Bool = false
  ) throws -> RecordIterator {
    RecordIterator()
  }
}

/// Lists records one by one, in key order.
public struct RecordIterator {
  /// Reads the next record; `nil` behind the last.
  public mutating func next() throws -> StoredRecord? {
    nil
  }
}
