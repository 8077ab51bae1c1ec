// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import StorageEngine

/// What every write needs to know of the journal, kept in memory between writes.
///
/// It is trusted only as long as `changes` is the number stored in the file: a commit that fails
/// after its body has run leaves it ahead of the file, and then it is read again.
struct StoreMemory {
  /// The last transaction of one origin.
  struct Head {
    var sequence: UInt64
    var hash: Hash256
    var timestamp: HybridTimestamp
    /// The origin's short name inside records.
    let tag: UInt64
  }

  /// How often the records were changed.
  var changes: UInt64
  /// The clock, which follows every transaction applied.
  var clock: HybridClock
  /// The data set.
  var storeID: StoreID
  /// Who this store writes as.
  var origin: Origin
  /// The last transaction applied of each origin.
  private(set) var heads: [Origin: Head] = [:]
  /// What is applied of all origins but this store's own: what a local transaction depends on.
  private(set) var others = VersionVector()
  /// When the first of the transactions put aside may be applied, in milliseconds since 1970;
  /// `nil` when none is.
  var nextRelease: UInt64?

  /// Reads it all from the file.
  init(_ reader: any TreeReader, maxAhead: UInt64) throws {
    guard let meta = try MetaTree(reader) else {
      throw RecordStoreError.corruptStore(place: StoreTree.meta, problem: "it is missing")
    }
    storeID = try meta.storeID()
    origin = try meta.origin()
    let stored = try meta.clock()
    changes = stored.changes
    clock = HybridClock(last: stored.last)
    for head in try JournalTrees(reader).chainHeads() {
      setHead(head.dot, head.hash, head.timestamp)
    }
    nextRelease = try HeldTree(reader)?.all().map { $0.release(maxAhead: maxAhead) }.min()
  }

  /// The stamp that names `dot` inside records.
  func stamp(_ dot: Dot, _ timestamp: HybridTimestamp) -> Stamp {
    Stamp(
      timestamp: timestamp.rawValue, tag: heads[dot.origin]?.tag ?? dot.origin.tag,
      sequence: dot.sequence)
  }

  /// The last sequence applied of an origin, 0 for none.
  func applied(_ origin: Origin) -> UInt64 {
    heads[origin]?.sequence ?? 0
  }

  /// Takes note of a transaction applied.
  mutating func note(_ transaction: EncodedTransaction) {
    setHead(transaction.dot, transaction.hash, transaction.header.timestamp)
    clock.observe(transaction.header.timestamp)
  }

  private mutating func setHead(_ dot: Dot, _ hash: Hash256, _ timestamp: HybridTimestamp) {
    let tag = heads[dot.origin]?.tag ?? dot.origin.tag
    heads[dot.origin] = Head(
      sequence: dot.sequence, hash: hash, timestamp: timestamp, tag: tag)
    if dot.origin != origin { others[dot.origin] = dot.sequence }
  }
}
