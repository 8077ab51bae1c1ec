// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import StorageEngine

/// What a store of records contains, piece by piece: all its trees but the one with its own identity.
///
/// Trees that others keep beside the records are no part of it, but for those of durable memory where
/// they are asked for.
enum ContentEvent {
  /// The beginning, always first.
  case begin(storeID: StoreID, applied: VersionVector)
  /// A tree begins; trees come in the order of their names (bytes).
  case tree(String)
  /// The next entry of the tree, in key order.
  case entry(key: [UInt8], value: [UInt8])
  /// The end, always last.
  case end
}

extension RecordReader {
  /// The names of the trees that are no part of the records, in the order of their bytes.
  func foreignTrees() throws -> [String] {
    try trees.trees().map(\.name).filter(StoreTree.isForeign)
  }

  /// Passes on everything that is in the store; `progress` is told how many entries of how many.
  func forEachContentEvent(
    of journal: Journal, withMemory: Bool = false, progress: (UInt64, UInt64) throws -> Void,
    _ body: (ContentEvent) throws -> Void
  ) throws {
    try body(
      .begin(
        storeID: try MetaTree.open(trees).storeID(),
        applied: try journal.appliedVector(in: trees)))
    let all = try trees.trees().filter { tree in
      StoreTree.Content(ofTree: tree.name) != nil || withMemory && StoreTree.isMemory(tree.name)
    }
    let total = try all.reduce(UInt64(0)) { $0 + (try trees.count(of: $1.tree)) }
    var done: UInt64 = 0
    for (name, tree) in all.sorted(by: { ByteOrder.precedes($0.name, $1.name) }) {
      try body(.tree(name))
      let cursor = try trees.cursor(in: tree)
      while try cursor.next() {
        try body(.entry(key: cursor.key, value: try cursor.value()))
        done += 1
        if done % 1024 == 0 { try progress(done, total) }
      }
    }
    try progress(done, total)
    try body(.end)
  }
}
