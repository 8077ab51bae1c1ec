// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import StorageEngine

/// How many tombstones a collection has.
enum TombstoneCount {
  static func read(_ collection: String, _ reader: any TreeReader) throws -> UInt64 {
    guard let tree = try reader.tree(named: StoreTree.tombstones),
      let bytes = try reader.value(forKey: Array(collection.utf8), in: tree)
    else { return 0 }
    var cbor = CBORReader(bytes)
    do {
      return try cbor.readUnsigned()
    } catch {
      throw RecordStoreError.corruptStore(
        place: "\(StoreTree.tombstones)/\(collection)", problem: "\(error)")
    }
  }
}

extension CollectionWriter {
  /// Adds what changed to the stored count of tombstones.
  mutating func storeTombstoneCount() throws {
    guard tombstoneChange != 0 else { return }
    guard let counts = try trees.tree(named: StoreTree.tombstones) else {
      throw RecordStoreError.corruptStore(place: StoreTree.tombstones, problem: "it is missing")
    }
    let before = Int64(clamping: try TombstoneCount.read(collection, trees))
    let (count, overflow) = before.addingReportingOverflow(Int64(tombstoneChange))
    guard count >= 0, !overflow else {
      throw RecordStoreError.corruptStore(
        place: "\(StoreTree.tombstones)/\(collection)", problem: "the count is wrong")
    }
    // No entry for none: the trees depend on nothing but what was applied.
    let key = Array(collection.utf8)
    if count == 0 {
      try trees.delete(key, in: counts)
    } else {
      var cbor = CBORWriter()
      cbor.write(unsigned: UInt64(count))
      try trees.put(cbor.take(), forKey: key, in: counts)
    }
    tombstoneChange = 0
  }
}
