// SPDX-License-Identifier: Apache-2.0

public import StorageEngine

/// Entries that live for a while.
extension DurableMap {
  /// Removes entries that have expired, at most `limit`; returns how many.
  ///
  /// They count as gone from the moment they expire; this gives their memory back. Entries that were
  /// set anew meanwhile stay.
  ///
  /// - Throws: as `set`.
  @discardableResult
  public func sweep(limit: Int = .max, durability: Durability? = nil) throws(DurableMapError) -> Int
  {
    try core.sweep(limit: limit, durability)
  }

  /// How long the entry of a key has to live; `nil` for ever, or where there is none.
  ///
  /// - Throws: `.closed`, `.keyTooLong`, `.miscounted`.
  public func remainingTime(_ key: Key) throws(DurableMapError) -> Duration? {
    try core.checkOpen()
    return try withStoredKey(key) { (key) throws(DurableMapError) in core.remainingTime(key) }
  }
}

extension MapCore {
  /// Entries removed under the lock at a time.
  private static let sweepBatch = 256

  func sweep(limit: Int, _ durability: Durability?) throws(DurableMapError) -> Int {
    try checkNotWithin()
    let expired = try expiredKeys(limit: max(0, limit))
    var swept = 0
    var last: UInt64?
    for start in stride(from: 0, to: expired.count, by: Self.sweepBatch) {
      let keys = expired[start..<min(start + Self.sweepBatch, expired.count)]
      let (count, lsn) = try locked { () throws(EngineError) in try removeExpired(keys) }
      swept += count
      last = lsn ?? last
    }
    if let last { try settle(last, durability) }
    return swept
  }

  /// The keys, with their marks, of entries that have expired.
  private func expiredKeys(limit: Int) throws(DurableMapError) -> [[UInt8]] {
    let view = try MapSnapshot(self, showsExpired: true)
    defer { view.close() }
    var keys: [[UInt8]] = []
    guard limit > 0 else { return keys }
    try view.visit { (entry) throws(DurableMapError) in
      if memory.hasExpired(entry) {
        keys.append(entry.lendStored { (key, _) in key.array })
      }
      return keys.count < limit
    }
    return keys
  }

  private func removeExpired(
    _ keys: ArraySlice<[UInt8]>
  ) throws(EngineError) -> (Int, UInt64?) {
    var batch = ResidentBatch()
    var planned: [PlannedChange] = []
    for key in keys {
      let key = key.span
      let found = find(key)
      guard found.entry.exists, memory.hasExpired(found.entry) else { continue }
      planned.append(try planRemoval(found, &batch))
    }
    guard !planned.isEmpty else { return (0, nil) }
    let lsn = try database.commit(batch) { for change in planned { change.apply() } }
    return (planned.count, lsn)
  }

  func remainingTime(_ key: Span<UInt8>) -> Duration? {
    memory.withLockUnlessHeld {
      let found = find(key)
      guard found.isPresent(in: memory), let expiry = found.entry.expiry else { return nil }
      return .milliseconds(Int64(clamping: expiry - min(expiry, memory.time())))
    }
  }
}
