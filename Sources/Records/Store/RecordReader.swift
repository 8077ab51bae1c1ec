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
    guard let tree = try trees.tree(named: StoreTree.records(collection)) else { return nil }
    let orderedKey = key.orderedBytes
    guard orderedKey.count <= 1 + JournalLimits.keyBytes,
      let bytes = try trees.value(forKey: orderedKey, in: tree)
    else { return nil }
    var view = RecordView()
    guard try view.read(bytes, collection, orderedKey) else { return nil }
    return try view.record(collection, orderedKey)
  }

  /// Lists the collections that have records, ordered by name (bytes).
  public func collections() throws -> [String] {
    try collectionCounts().filter { $0.records > 0 }.map(\.name)
  }

  /// Counts the records of a collection.
  public func count(of collection: String) throws -> UInt64 {
    guard let tree = try trees.tree(named: StoreTree.records(collection)) else { return 0 }
    let all = try trees.count(of: tree)
    let tombstones = try TombstoneCount.read(collection, trees)
    return all - min(all, tombstones)
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
    var range = KeyRange.all
    if let prefix { range = .prefix([KeyBytes.textKind] + Array(prefix.utf8)) }
    if let from {
      let lower = from.orderedBytes
      if range.lower.map({ $0.lexicographicallyPrecedes(lower) }) ?? true { range.lower = lower }
    }
    let tree = try trees.tree(named: StoreTree.records(collection))
    return RecordIterator(
      collection, try tree.map { try trees.cursor(in: $0, range: range, reversed: reversed) })
  }

  /// Counts records and tombstones of every collection, ordered by name (bytes).
  func collectionCounts() throws -> [StoreStatus.Collection] {
    var counts: [StoreStatus.Collection] = []
    for (name, tree) in try trees.trees() {
      guard let collection = StoreTree.collection(ofTree: name) else { continue }
      let all = try trees.count(of: tree)
      let tombstones = min(all, try TombstoneCount.read(collection, trees))
      counts.append(
        StoreStatus.Collection(
          name: collection, records: all - tombstones, tombstones: tombstones))
    }
    return counts
  }
}
