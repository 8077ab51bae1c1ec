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

  /// Removes a durable map that is not open; returns whether there was one.
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
    let (tree, expected) = try DurableMapError.wrappingAny {
      try database.read { view in
        guard let tree = try view.tree(named: MapCatalog.treeName(name)) else {
          throw EngineError.treeNotFound(MapCatalog.treeName(name))
        }
        return (tree, try view.count(of: tree))
      }
    }
    let memory = MapMemory(
      seed: options.seed, expected: Int(clamping: min(expected, 1 << 40)), clock: options.clock)
    let resident = try fill(memory, tree)
    return MapCore(
      name: name, database: database, tree: tree, memory: memory, options: options,
      resident: resident)
  }

  /// Has the tree live in memory from now on, and reads it.
  private func fill(_ memory: MapMemory, _ tree: TreeID) throws(DurableMapError) -> ResidentTree? {
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
      try load(memory, tree, resident)
      contents.unlockChanges()
    } catch {
      memory.close()
      contents.unlockChanges()
      try? resident?.detach()
      throw error
    }
    return resident
  }

  private func makeIfMissing() throws(DurableMapError) {
    let view = try DurableMapError.wrapping { () throws(EngineError) in try database.snapshot() }
    defer { view.close() }
    if let stored = try MapCatalog.entry(of: name, in: view) {
      return try entry.check(stored, map: name)
    }
    try DurableMapError.wrappingAny {
      try database.write { transaction in
        // Another thread may have been faster.
        guard let stored = try MapCatalog.entry(of: name, in: transaction) else {
          return try MapCatalog.create(name, entry, in: transaction)
        }
        try entry.check(stored, map: name)
      }
    }
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
    _ memory: MapMemory, _ tree: TreeID, _ resident: ResidentTree?
  ) throws(DurableMapError) {
    let view = try DurableMapError.wrapping { () throws(EngineError) in try database.snapshot() }
    defer { view.close() }
    var loader = MapLoader(memory)
    try loader.load(view, tree, map: name)
    guard let resident, !loader.orphans.isEmpty else { return }
    // Left by transactions that replaced an entry in parts without knowing its number.
    try DurableMapError.wrapping { () throws(EngineError) in
      var batch = ResidentBatch()
      for key in loader.orphans {
        let key = key.span
        try batch.delete(key, in: resident)
      }
      _ = try database.commit(batch) {}
    }
  }
}
