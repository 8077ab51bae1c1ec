// SPDX-License-Identifier: Apache-2.0

public import StorageEngine

/// Changes that are committed together with those of records, or of anything else in the store.
///
/// They become visible with the commit, and not at all when the transaction is rolled back; until
/// then reading the map, also by the transaction itself, shows it without them. The last change of
/// a key wins.
extension DurableMap {
  /// Sets the value of a key with the commit of a transaction.
  ///
  /// - Throws: `.engine`, after which the transaction may have the change or not; `.keyTooLong`,
  ///   `.valueTooLong`, `.miscounted`, `.calledFromWithin`, `.closed`, `.severalDatabases`. The
  ///   transaction goes on.
  public func set(
    _ key: Key, _ value: Value, timeToLive: Duration? = nil, in transaction: some TreeWriting
  ) throws(DurableMapError) {
    try withStored(key, value, core.expiry(after: timeToLive)) {
      (key, value) throws(DurableMapError) in
      try core.set(key, value, in: transaction)
    }
  }

  /// Removes a key with the commit of a transaction.
  ///
  /// - Throws: as `set(_:_:timeToLive:in:)`.
  public func unset(_ key: Key, in transaction: some TreeWriting) throws(DurableMapError) {
    try withStoredKey(key) { (key) throws(DurableMapError) in
      try core.unset(key, in: transaction)
    }
  }
}

extension MapCore {
  func set(
    _ key: Span<UInt8>, _ value: Span<UInt8>, in transaction: some TreeWriting
  ) throws(DurableMapError) {
    let (replaced, longKey) = try lookAhead(key)
    try change(transaction) { (work) throws(EngineError) in
      if isSmall(key, value) {
        try work.put(value, forKey: key, in: tree)
      } else {
        let parted = PartedEntry(key, value, PartsName(number: numbers.take(), longKey: longKey))
        try parted.forEachStored { (key, value) throws(EngineError) in
          try work.put(value, forKey: key, in: tree)
        }
      }
      // Last: should it fail on the way, the head in the transaction has all its parts.
      for part in replaced { try work.delete(part, in: tree) }
    }
  }

  func unset(
    _ key: Span<UInt8>, in transaction: some TreeWriting
  ) throws(DurableMapError) {
    let (replaced, longKey) = try lookAhead(key)
    try change(transaction) { (work) throws(EngineError) in
      if longKey == .none {
        try work.delete(key, in: tree)
      } else {
        try work.delete(longKey.storedKey, in: tree)
      }
      for part in replaced { try work.delete(part, in: tree) }
    }
  }

  /// The parts that the key has now, and what names it if it is long.
  private func lookAhead(
    _ key: Span<UInt8>
  ) throws(DurableMapError) -> (parts: [[UInt8]], longKey: LongKeyName) {
    try checkNotWithin()
    let (parts, longKey) = try memory.lock.withLock { () throws(DurableMapError) in
      try checkOpen()
      let found = find(key)
      return (found.isInParts ? found.entry.partKeys : [], found.longKeyName)
    }
    return (parts, longKey ?? longKeyName(of: key))
  }

  private func change(
    _ transaction: some TreeWriting, _ body: (WriteTransaction) throws(EngineError) -> Void
  ) throws(DurableMapError) {
    let isOurs = try DurableMapError.wrapping { () throws(EngineError) in
      try transaction.withWork { (work) throws(EngineError) in
        guard work.database === database else { return false }
        try body(work)
        return true
      }
    }
    if !isOurs { throw .severalDatabases }
  }
}
