// SPDX-License-Identifier: Apache-2.0

public import StorageEngine

/// A map of bytes: what a `DurableMap` does, but for the types of its keys and values.
@usableFromInline
final class MapCore: Sendable {
  let name: String
  let database: Database
  let tree: TreeID
  @usableFromInline let memory: MapMemory
  let options: DurableMapOptions
  let numbers: PartNumbers
  let secret: LongKeySecret
  /// Absent where the database is open for reading only.
  let resident: ResidentTree?

  init(
    name: String, database: Database, tree: TreeID, memory: MapMemory, options: DurableMapOptions,
    numbers: PartNumbers, secret: LongKeySecret, resident: ResidentTree?
  ) {
    self.name = name
    self.database = database
    self.tree = tree
    self.memory = memory
    self.options = options
    self.numbers = numbers
    self.secret = secret
    self.resident = resident
  }

  deinit {
    close()
  }

  /// The tree to change.
  func writable() throws(EngineError) -> ResidentTree {
    guard let resident else { throw .readOnly }
    return resident
  }

  /// Ends the map, but not for a closure that decides on a change of it.
  ///
  /// The folding may have to wait, as for room on the disk or for a transaction that this thread is
  /// in; the log has everything meanwhile.
  @usableFromInline
  func close() {
    if memory.lock.isHeldHere { return }
    let wasOpen = memory.lock.withLock {
      defer { memory.close() }
      return !memory.isClosed
    }
    if wasOpen { resident?.giveUp() }
  }

  // MARK: One change at a time

  /// Runs `body` under the lock; when the disk is full, once more after a checkpoint has made what
  /// room it can.
  func locked<R>(_ body: () throws(EngineError) -> R) throws(DurableMapError) -> R {
    do throws(EngineError) {
      return try lockedOnce(body)
    } catch .outOfSpace {
      try DurableMapError.wrapping { () throws(EngineError) in try database.checkpoint() }
      return try DurableMapError.wrapping { () throws(EngineError) in try lockedOnce(body) }
    } catch {
      throw isOpen ? .engine(error) : .closed(map: name)
    }
  }

  private var isOpen: Bool { !memory.isClosed }

  private func lockedOnce<R>(_ body: () throws(EngineError) -> R) throws(EngineError) -> R {
    try memory.lock.withLock { () throws(EngineError) in
      if memory.isClosed { throw .closed }
      return try body()
    }
  }

  /// Refuses what would wait for itself.
  func checkNotWithin() throws(DurableMapError) {
    if memory.lock.isHeldHere { throw .calledFromWithin(map: name) }
  }

  /// Waits until a commit is as durable as asked; without locks.
  func settle(_ lsn: UInt64, _ durability: Durability?) throws(DurableMapError) {
    do throws(EngineError) {
      try database.settleResident(lsn, durability ?? options.durability)
    } catch .outOfSpace {
      // A checkpoint found no room; the commit is as durable as it was to be.
    } catch {
      throw .engine(error)
    }
  }

  /// Sets a key in its stored form; whether there was one.
  @usableFromInline
  func set(
    _ key: Span<UInt8>, _ value: Span<UInt8>, _ durability: Durability?
  ) throws(DurableMapError) -> Bool {
    let (lsn, existed) = try setWithoutWaiting(key, value)
    try settle(lsn, durability)
    return existed
  }

  func setWithoutWaiting(
    _ key: Span<UInt8>, _ value: Span<UInt8>
  ) throws(DurableMapError) -> (UInt64, Bool) {
    try checkNotWithin()
    return try locked { () throws(EngineError) in
      let found = find(key)
      let existed = found.isPresent(in: memory)
      return (try put(key, value, found), existed)
    }
  }

  /// Removes a key; whether there was one.
  @usableFromInline
  func unset(_ key: Span<UInt8>, _ durability: Durability?) throws(DurableMapError) -> Bool {
    let (lsn, existed) = try unsetWithoutWaiting(key)
    if let lsn { try settle(lsn, durability) }
    return existed
  }

  func unsetWithoutWaiting(_ key: Span<UInt8>) throws(DurableMapError) -> (UInt64?, Bool) {
    try checkNotWithin()
    return try locked { () throws(EngineError) in
      let found = find(key)
      let existed = found.isPresent(in: memory)
      return (try delete(key, found), existed)
    }
  }

  /// The entry of a key, under the lock.
  func find(_ key: Span<UInt8>) -> FoundEntry {
    let plain = key.extracting(1..<key.count)
    let hash = memory.hash(plain)
    return FoundEntry(entry: memory.entry(plain, hash), hash: hash)
  }

  /// Logs a value and changes the memory; under the lock.
  func put(
    _ key: Span<UInt8>, _ value: Span<UInt8>, _ found: FoundEntry
  ) throws(EngineError) -> UInt64 {
    let resident = try writable()
    guard isSmall(key, value), !found.isInParts else {
      return try putInParts(key, value, found, resident)
    }
    if !found.entry.exists { memory.makeRoom(found.hash) }
    let entry = memory.makeEntry(key: key, value: value)
    do throws(EngineError) {
      return try resident.put(key, value) {
        memory.publish(entry, found.hash, replacing: found.entry)
      }
    } catch {
      memory.discard(entry)
      throw error
    }
  }

  /// Logs the end of a key and changes the memory; under the lock.
  func delete(_ key: Span<UInt8>, _ found: FoundEntry) throws(EngineError) -> UInt64? {
    let resident = try writable()
    guard found.entry.exists else { return nil }
    guard !found.isInParts else { return try deleteInParts(found, resident) }
    return try resident.delete(key) { memory.remove(found.entry, found.hash) }
  }

  func isSmall(_ key: Span<UInt8>, _ value: Span<UInt8>) -> Bool {
    key.count - 1 <= StoredForm.longestPlainKey && value.count <= StoredForm.longestPiece
  }
}

/// What the memory has for a key.
struct FoundEntry {
  let entry: Entry
  let hash: UInt64

  var isInParts: Bool { entry.exists && entry.isInParts }

  /// The name it has as a long key, and keeps; `nil` where it is none.
  var longKeyName: LongKeyName? {
    entry.exists && entry.isLong ? entry.partsName.longKey : nil
  }

  /// Whether there is one that has not expired.
  func isPresent(in memory: MapMemory) -> Bool {
    entry.exists && !memory.hasExpired(entry)
  }
}
