// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import StorageEngine

/// The trees of a record store, besides those of the journal.
enum StoreTree {
  /// What there is one of: see `MetaKey`.
  static let meta = "meta"
  /// For each collection with tombstones how many it has, by name.
  static let tombstones = "tombstones"

  private static let recordsPrefix = "records/"
  private static let memoryPrefix = "memory/"

  /// Whether a tree is no part of the records: one that a user of the engine keeps beside them.
  ///
  /// Its pages are checked with all others, and `salvage` copies it; what it means is not known
  /// here, so snapshots leave it out, unless it is of durable memory.
  static func isForeign(_ name: String) -> Bool {
    name != meta && Content(ofTree: name) == nil
  }

  /// Whether a tree is of durable memory: its entries mean the same in any store.
  static func isMemory(_ name: String) -> Bool { name.utf8.starts(with: memoryPrefix.utf8) }

  /// What a tree has of what all replicas share: everything but `meta`.
  enum Content {
    case journal(JournalTreeName)
    case tombstones
    case records(String)

    /// `nil` for a tree that has nothing of it.
    init?(ofTree name: String) {
      if let tree = JournalTreeName(rawValue: name) {
        self = .journal(tree)
      } else if name == StoreTree.tombstones {
        self = .tombstones
      } else if let collection = StoreTree.collection(ofTree: name) {
        self = .records(collection)
      } else {
        return nil
      }
    }
  }

  /// The states of a collection's records, by the ordered bytes of their keys.
  static func records(_ collection: String) -> String { recordsPrefix + collection }

  /// The collection whose records are in a tree of that name.
  static func collection(ofTree name: String) -> String? {
    guard name.utf8.starts(with: recordsPrefix.utf8) else { return nil }
    return String(Substring(name.utf8.dropFirst(recordsPrefix.utf8.count)))
  }
}

/// The keys of the tree `meta`.
///
/// Values are CBOR.
enum MetaKey: String, CaseIterable {
  /// The version of this layout: a number.
  case format
  /// The data set: 16 bytes.
  case store
  /// Who writes: 24 bytes.
  case origin

  var bytes: [UInt8] { Array(rawValue.utf8) }
}

/// The version of the layout that this program writes, and the last it reads.
let recordFormatVersion: UInt64 = 1

/// Reads and writes the tree `meta`.
struct MetaTree {
  let reader: any TreeReader
  let tree: TreeID

  /// `nil` when there is no such tree.
  init?(_ reader: any TreeReader) throws(EngineError) {
    guard let tree = try reader.tree(named: StoreTree.meta) else { return nil }
    self.reader = reader
    self.tree = tree
  }

  /// The tree that every store has.
  static func open(_ reader: any TreeReader) throws -> MetaTree {
    guard let meta = try MetaTree(reader) else {
      throw RecordStoreError.corruptStore(place: StoreTree.meta, problem: "it is missing")
    }
    return meta
  }

  /// Reads the value of a key, which a whole store has.
  func value<R>(
    _ key: MetaKey, _ read: (inout CBORReader) throws(CodingError) -> R?
  ) throws -> R {
    var problem = "it is missing"
    if let bytes = try reader.value(forKey: key.bytes, in: tree) {
      var cbor = CBORReader(bytes)
      do {
        let value = try read(&cbor)
        try cbor.finish()
        if let value { return value }
        problem = "it has another form"
      } catch {
        problem = "\(error)"
      }
    }
    throw RecordStoreError.corruptStore(place: "meta/\(key.rawValue)", problem: problem)
  }

  func storeID() throws -> StoreID {
    try value(.store) { cbor throws(CodingError) in StoreID(bytes: try cbor.readByteSlice()) }
  }

  func origin() throws -> Origin {
    try value(.origin) { cbor throws(CodingError) in Origin(bytes: try cbor.readByteSlice()) }
  }

  func format() throws -> UInt64 {
    try value(.format) { cbor throws(CodingError) in try cbor.readUnsigned() }
  }

  static func put(
    _ key: MetaKey, in tree: TreeID, of transaction: WriteTransaction,
    _ write: (inout CBORWriter) -> Void
  ) throws(EngineError) {
    var cbor = CBORWriter()
    write(&cbor)
    try transaction.put(cbor.take(), forKey: key.bytes, in: tree)
  }
}
