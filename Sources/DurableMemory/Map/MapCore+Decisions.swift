// SPDX-License-Identifier: Apache-2.0

public import StorageEngine

/// What becomes of an entry after a look at it.
@usableFromInline
enum Decision {
  case keep
  case unset
  /// The value with its flags.
  case set([UInt8])
}

/// Changes that depend on what is there.
extension MapCore {
  /// Has `decide` look at the value of a key, and does what it says; both under the lock.
  ///
  /// `decide` gets `nil` where there is none, or one that has expired.
  @usableFromInline
  func change(
    _ key: Span<UInt8>, _ durability: Durability?, _ decide: (Span<UInt8>?) -> Decision
  ) throws(DurableMapError) {
    try checkNotWithin()
    let lsn = try locked { () throws(EngineError) -> UInt64? in
      let found = find(key)
      // Asked again where the change is tried again: others may have come in between.
      switch look(at: found, decide) {
      case .keep: return nil
      case .unset: return try delete(key, found)
      case .set(let bytes):
        let value = bytes.span
        return try put(key, value, found)
      }
    }
    if let lsn { try settle(lsn, durability) }
  }

  private func look(at found: FoundEntry, _ body: (Span<UInt8>?) -> Decision) -> Decision {
    guard found.isPresent(in: memory) else { return body(nil) }
    return found.entry.lendValue { body($0) }
  }

  /// Removes every entry, in one transaction.
  func clear(_ durability: Durability?) throws(DurableMapError) {
    try checkNotWithin()
    let lsn = try locked { () throws(EngineError) in
      _ = try writable()
      var batch = ResidentBatch()
      for table in memory.directory.distinctTables {
        _ = try table.visit { (entry) throws(EngineError) in
          _ = try planRemoval(FoundEntry(entry: entry, hash: 0), &batch)
          return true
        }
      }
      return try database.commit(batch) { memory.removeAll() }
    }
    try settle(lsn, durability)
  }
}
