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
  /// - Throws: `.engine`, `.keyTooLong`, `.valueTooLong`, `.miscounted`, `.calledFromWithin`, `.closed`;
  ///   the transaction goes on.
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
    let name = try prepare(key, in: transaction)
    try change(transaction) { (work) throws(EngineError) in
      if isSmall(key, value) { return try work.put(value, forKey: key, in: tree) }
      try PartedEntry(key, value, name()).forEachStored { (key, value) throws(EngineError) in
        try work.put(value, forKey: key, in: tree)
      }
    }
  }

  func unset(
    _ key: Span<UInt8>, in transaction: some TreeWriting
  ) throws(DurableMapError) {
    let name = try prepare(key, in: transaction)
    try change(transaction) { (work) throws(EngineError) in
      guard key.count - 1 > StoredForm.longestPlainKey else {
        return try work.delete(key, in: tree)
      }
      let name = name()
      try work.delete(LongKeyName(digest: name.digest, salt: name.salt).storedKey, in: tree)
    }
  }

  /// Removes the parts the key has now, and returns what gives it a name for new ones.
  private func prepare(
    _ key: Span<UInt8>, in transaction: some TreeWriting
  ) throws(DurableMapError) -> () -> PartsName {
    try checkNotWithin()
    try checkOpen()
    memory.lock.lock()
    let found = find(key)
    let parts = found.isInParts ? found.entry.partKeys : []
    let name = name(for: key)
    memory.lock.unlock()
    try change(transaction) { (work) throws(EngineError) in
      for part in parts { try work.delete(part, in: tree) }
    }
    return { name }
  }

  private func change(
    _ transaction: some TreeWriting, _ body: (WriteTransaction) throws(EngineError) -> Void
  ) throws(DurableMapError) {
    try DurableMapError.wrapping { () throws(EngineError) in
      try transaction.withWork(body)
    }
  }
}
