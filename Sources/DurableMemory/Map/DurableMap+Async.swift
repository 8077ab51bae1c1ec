// SPDX-License-Identifier: Apache-2.0

public import StorageEngine

/// The same for tasks: waiting for the disk does not hold up a thread.
extension DurableMap {
  /// Sets the value of a key; returns whether it had one.
  ///
  /// - Throws: as the one that waits.
  @discardableResult
  public func set(
    _ key: Key, _ value: Value, timeToLive: Duration? = nil, durability: Durability? = nil
  ) async throws(DurableMapError) -> Bool {
    let (lsn, existed) = try withStored(key, value, core.expiry(after: timeToLive)) {
      (key, value) throws(DurableMapError) in
      try core.setWithoutWaiting(key, value)
    }
    try await core.settleWithoutBlocking(lsn, durability)
    return existed
  }

  /// Removes a key; returns whether it had a value.
  ///
  /// - Throws: as the one that waits.
  @discardableResult
  public func unset(
    _ key: Key, durability: Durability? = nil
  ) async throws(DurableMapError) -> Bool {
    let (lsn, existed) = try withStoredKey(key) { (key) throws(DurableMapError) in
      try core.unsetWithoutWaiting(key)
    }
    if let lsn { try await core.settleWithoutBlocking(lsn, durability) }
    return existed
  }

  /// Makes every earlier change durable.
  ///
  /// - Throws: as the one that waits.
  public func flush() async throws(DurableMapError) {
    try core.checkOpen()
    try await core.settleWithoutBlocking(nil, .synced)
  }
}

extension DurableBatch {
  /// Makes the changes; returns when they are as durable as asked.
  ///
  /// - Throws: as the one that waits.
  public func commit(durability: Durability? = nil) async throws(DurableMapError) {
    guard let core = changes.first?.core else { return }
    let lsn = try commitWithoutWaiting()
    try await core.settleWithoutBlocking(lsn, durability)
  }
}

extension MapCore {
  /// Waits until a commit, or all so far, is as durable as asked, and gives the thread to other tasks
  /// meanwhile.
  func settleWithoutBlocking(
    _ lsn: UInt64?, _ durability: Durability?
  ) async throws(DurableMapError) {
    do throws(EngineError) {
      try await database.settleResidentWithoutBlocking(lsn, durability ?? options.durability)
    } catch .outOfSpace {
      // A checkpoint found no room; the commit is as durable as it was to be.
    } catch {
      throw .engine(error)
    }
  }
}
