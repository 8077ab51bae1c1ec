// SPDX-License-Identifier: Apache-2.0

public import StorageEngine

/// Changes of one or several durable maps of a database that happen together: after a crash at any
/// moment all of them are there, or none.
///
/// Snapshots show all or none as well; single reads may see one change a moment before another. The
/// last change of a key wins. A batch can be committed more than once.
public struct DurableBatch: Sendable {
  /// A change: key and value in their stored forms.
  struct Change: Sendable {
    let core: MapCore
    let key: [UInt8]
    /// Without one, the key is removed.
    let value: [UInt8]?
  }

  private(set) var changes: [Change] = []

  /// An empty batch.
  public init() {}

  /// How many changes it has.
  public var count: Int { changes.count }

  /// Whether it has no change.
  public var isEmpty: Bool { changes.isEmpty }

  /// Adds a value for a key of a map.
  ///
  /// - Throws: `.keyTooLong`, `.valueTooLong`, `.miscounted`.
  public mutating func set<Key, Value>(
    _ key: Key, _ value: Value, timeToLive: Duration? = nil, in map: DurableMap<Key, Value>
  ) throws(DurableMapError) {
    let core = map.core
    let change = try map.withStored(key, value, core.expiry(after: timeToLive)) {
      (key, value) throws(DurableMapError) in
      Change(core: core, key: key.array, value: value.array)
    }
    changes.append(change)
  }

  /// Adds the removal of a key of a map.
  ///
  /// - Throws: `.keyTooLong`, `.miscounted`.
  public mutating func unset<Key, Value>(
    _ key: Key, in map: DurableMap<Key, Value>
  ) throws(DurableMapError) {
    let core = map.core
    changes.append(
      try map.withStoredKey(key) { (key) throws(DurableMapError) in
        Change(core: core, key: key.array, value: nil)
      })
  }

  /// Makes the changes; returns when they are as durable as asked.
  ///
  /// - Parameter durability: What to wait for; `nil` for what the first map's options say.
  /// - Throws: `.severalDatabases`, `.closed`, `.calledFromWithin`, `.engine`; nothing is changed
  ///   then, except that `.engine(.poisoned)` may come from waiting for the disk.
  public func commit(durability: Durability? = nil) throws(DurableMapError) {
    guard let core = changes.first?.core else { return }
    let lsn = try commitWithoutWaiting()
    try core.settle(lsn, durability)
  }

  func commitWithoutWaiting() throws(DurableMapError) -> UInt64 {
    let commit = try BatchCommit(changes)
    do throws(EngineError) {
      return try commit.run()
    } catch .outOfSpace {
      return try DurableMapError.wrapping { () throws(EngineError) in
        try commit.database.checkpoint()
        return try commit.run()
      }
    } catch {
      if let closed = commit.cores.first(where: { $0.memory.isClosed }) { throw closed.closedError }
      throw .engine(error)
    }
  }
}

/// The steps of committing a batch.
struct BatchCommit {
  let database: Database
  /// The maps, in the order of their trees' numbers, as everybody locks them.
  let cores: [MapCore]
  /// The last change of each key.
  private let changes: [DurableBatch.Change]

  private struct Place: Hashable {
    let tree: TreeID
    let key: [UInt8]
  }

  init(_ all: [DurableBatch.Change]) throws(DurableMapError) {
    guard let database = all.first?.core.database,
      all.allSatisfy({ $0.core.database === database })
    else { throw .severalDatabases }
    self.database = database
    var last: [Place: Int] = [:]
    for (index, change) in all.enumerated() {
      last[Place(tree: change.core.tree, key: change.key)] = index
    }
    changes = last.values.sorted().map { all[$0] }
    var cores: [TreeID: MapCore] = [:]
    for change in changes { cores[change.core.tree] = change.core }
    self.cores = cores.values.sorted { $0.tree < $1.tree }
    for core in self.cores { try core.checkNotWithin() }
  }

  /// Logs the changes and makes them.
  func run() throws(EngineError) -> UInt64 {
    for core in cores { core.memory.lock.lock() }
    defer { for core in cores { core.memory.lock.unlock() } }
    var planned: [PlannedChange] = []
    do throws(EngineError) {
      var batch = ResidentBatch()
      for change in changes { try plan(change, &batch, &planned) }
      return try database.commit(batch) { for change in planned { change.apply() } }
    } catch {
      for change in planned { change.discard() }
      throw error
    }
  }

  private func plan(
    _ change: DurableBatch.Change, _ batch: inout ResidentBatch, _ planned: inout [PlannedChange]
  ) throws(EngineError) {
    let core = change.core
    if core.memory.isClosed { throw .closed }
    let key = change.key.span
    let found = core.find(key)
    if let value = change.value {
      let value = value.span
      planned.append(try core.plan(key, value, found, &batch))
    } else if found.entry.exists {
      planned.append(try core.planRemoval(found, &batch))
    }
  }
}
