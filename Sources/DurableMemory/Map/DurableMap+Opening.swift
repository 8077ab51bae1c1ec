// SPDX-License-Identifier: Apache-2.0

public import StorageEngine

/// Opening.
extension DurableMap {
  /// Opens the map of that name in a store, or makes it.
  ///
  /// Reads every entry into memory. In a database that is open for reading only, the map can be read
  /// and must be there.
  ///
  /// - Throws: `.typeMismatch` when the map has keys or values of other types; `.alreadyOpen`;
  ///   `.invalidName` for a name that is empty or longer than 244 bytes, and for a type's that is
  ///   empty or longer than 255; `.invalidOption`; `.damaged`, `.unsupportedVersion`; `.engine`, with
  ///   `.readOnly` for a map that is not there and cannot be made.
  public convenience init(
    named name: String, in database: Database, options: DurableMapOptions = DurableMapOptions()
  ) throws(DurableMapError) {
    let entry = MapEntry(keyType: Key.durableType, valueType: Value.durableType)
    self.init(try MapOpening(name, entry, database, options).open())
  }
}

/// The durable maps of a store.
extension Database {
  /// The names of the durable maps, in the order of their bytes.
  ///
  /// - Throws: `.engine`.
  public func durableMaps() throws(DurableMapError) -> [String] {
    try DurableMapError.wrappingAny { try read { try MapCatalog.names(in: $0) } }
  }

  /// Removes a durable map that is not open, or what damage has left of one; returns whether there was
  /// any.
  ///
  /// - Throws: `.alreadyOpen` while it is open, `.engine`.
  @discardableResult
  public func removeDurableMap(named name: String) throws(DurableMapError) -> Bool {
    do {
      return try write { try MapCatalog.remove(name, in: $0) }
    } catch EngineError.treeInUse {
      throw .alreadyOpen(map: name)
    } catch {
      return try DurableMapError.wrappingAny { throw error }
    }
  }
}

/// The steps from a name to a map whose entries are in memory.
struct MapOpening {
  private let name: String
  private let entry: MapEntry
  private let database: Database
  private let options: DurableMapOptions

  init(
    _ name: String, _ entry: MapEntry, _ database: Database, _ options: DurableMapOptions
  ) throws(DurableMapError) {
    (self.name, self.entry, self.database, self.options) = (name, entry, database, options)
    guard !name.isEmpty, name.utf8.count <= MapCatalog.longestName else {
      throw .invalidName(name, limit: MapCatalog.longestName)
    }
    for type in [entry.keyType, entry.valueType] {
      guard !type.isEmpty, type.utf8.count <= MapCatalog.longestType else {
        throw .invalidName(type, limit: MapCatalog.longestType)
      }
    }
    if let lifetime = options.timeToLive, lifetime <= .zero {
      throw .invalidOption("a time to live is above zero")
    }
    if case .interval(let duration) = options.durability, duration < .zero {
      throw .invalidOption("an interval is not below zero")
    }
  }

  func open() throws(DurableMapError) -> MapCore {
    try makeIfMissing()
    let (tree, expected) = try findTree()
    let memory = MapMemory(
      seed: options.seed, expected: Int(clamping: min(expected, 1 << 40)), clock: options.clock)
    let numbers = PartNumbers.of(tree, in: database)
    let (resident, secret) = try fill(memory, tree, numbers)
    return MapCore(
      name: name, database: database, tree: tree, memory: memory, options: options,
      numbers: numbers, secret: secret, resident: resident)
  }

  private func findTree() throws(DurableMapError) -> (TreeID, UInt64) {
    try DurableMapError.wrappingAny {
      try database.read { view in
        guard let tree = try view.tree(named: MapCatalog.treeName(name)) else {
          throw DurableMapError.damaged(map: name, problem: "it has no tree")
        }
        return (tree, try view.count(of: tree))
      }
    }
  }

  /// Has the tree live in memory from now on, and reads it.
  private func fill(
    _ memory: MapMemory, _ tree: TreeID, _ numbers: PartNumbers
  ) throws(DurableMapError) -> (ResidentTree?, LongKeySecret) {
    let contents = MapContents(memory)
    // Nobody can change the tree before it is loaded.
    contents.lockChanges()
    let resident: ResidentTree?
    do throws(DurableMapError) {
      resident = try attach(tree, contents)
    } catch {
      contents.unlockChanges()
      throw error
    }
    do throws(DurableMapError) {
      let secret = try load(memory, tree, numbers, resident)
      contents.unlockChanges()
      return (resident, secret)
    } catch {
      memory.close()
      contents.unlockChanges()
      resident?.giveUp()
      throw error
    }
  }

  private func makeIfMissing() throws(DurableMapError) {
    let view = try DurableMapError.wrapping { () throws(EngineError) in try database.snapshot() }
    defer { view.close() }
    if let stored = try storedEntry(in: view) {
      return try entry.check(stored, map: name)
    }
    try DurableMapError.wrappingAny {
      try database.write { transaction in
        // Another thread may have been faster.
        guard let stored = try storedEntry(in: transaction) else {
          return try MapCatalog.create(name, entry, in: transaction)
        }
        try entry.check(stored, map: name)
      }
    }
  }

  private func storedEntry(in view: some TreeReader) throws(DurableMapError) -> MapEntry? {
    try MapCatalog.entry(of: name, in: view, adopting: options.adoptsEntries)
  }

  private func attach(
    _ tree: TreeID, _ contents: MapContents
  ) throws(DurableMapError) -> ResidentTree? {
    do throws(EngineError) {
      return try database.attachResident(tree, contents)
    } catch {
      switch error {
      case .readOnly: return nil
      case .treeInUse: throw .alreadyOpen(map: name)
      default: throw .engine(error)
      }
    }
  }

  private func load(
    _ memory: MapMemory, _ tree: TreeID, _ numbers: PartNumbers, _ resident: ResidentTree?
  ) throws(DurableMapError) -> LongKeySecret {
    let view = try DurableMapError.wrapping { () throws(EngineError) in try database.snapshot() }
    defer { view.close() }
    // Another map may have taken the name since it was looked for.
    guard let stored = try MapCatalog.entry(of: name, in: view) else {
      throw .engine(.treeNotFound(MapCatalog.treeName(name)))
    }
    try entry.check(stored, map: name)
    var loader = MapLoader(memory)
    try loader.load(view, tree, map: name)
    numbers.skip(loader.highestNumber)
    if let resident { try removeOrphans(loader.orphans, resident) }
    return stored.secret
  }

  /// Removes parts that were left by transactions that replaced an entry in parts without knowing its
  /// number.
  private func removeOrphans(
    _ keys: [[UInt8]], _ resident: ResidentTree
  ) throws(DurableMapError) {
    do throws(EngineError) {
      for start in stride(from: 0, to: keys.count, by: Self.removedAtOnce) {
        var batch = ResidentBatch()
        for key in keys[start..<min(start + Self.removedAtOnce, keys.count)] {
          let key = key.span
          try batch.delete(key, in: resident)
        }
        _ = try database.commit(batch) {}
      }
    } catch .outOfSpace {
      // They harm nobody, and go with a later opening.
    } catch {
      throw .engine(error)
    }
  }

  private static let removedAtOnce = 1024
}
