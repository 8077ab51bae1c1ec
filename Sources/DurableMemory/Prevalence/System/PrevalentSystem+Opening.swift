// SPDX-License-Identifier: Apache-2.0

public import StorageEngine

/// Opening and creating systems.
extension PrevalentSystem {
  /// Opens the system of a name in a database, or creates it there with the model that `initial`
  /// returns; where it exists, `initial` is not called.
  ///
  /// Where the database is open for reading only, so is the system.
  ///
  /// - Throws: What `initial` throws; `PrevalenceError`, `.notFound` where there is no such system
  ///   and no `initial`.
  public static func open(
    in database: Database, named name: String = "main", _ registry: CommandRegistry<Model>,
    options: PrevalentOptions<Model>, isReadOnly: Bool = false, initial: (() throws -> Model)? = nil
  ) throws -> PrevalentSystem<Model> {
    try open(
      database, owned: false, name, registry, options, isReadOnly: isReadOnly, initial: initial)
  }

  /// Opens a store file, or creates it unless `initial` is missing, and the system in it; closing the
  /// system closes the file.
  ///
  /// Where `configuration` asks for reading only, so is the system.
  ///
  /// - Throws: What `initial` throws; `PrevalenceError`.
  public static func open(
    at path: String, named name: String = "main", _ registry: CommandRegistry<Model>,
    options: PrevalentOptions<Model>, configuration: Configuration = .init(),
    initial: (() throws -> Model)? = nil
  ) throws -> PrevalentSystem<Model> {
    let database: Database
    do {
      let creates = initial != nil && !configuration.isReadOnly
      database =
        try creates
        ? Database.openOrCreate(at: path, configuration: configuration)
        : Database.open(at: path, configuration: configuration)
    } catch {
      throw PrevalenceError.unwrapped(error)
    }
    do {
      return try open(
        database, owned: true, name, registry, options, isReadOnly: configuration.isReadOnly,
        initial: initial)
    } catch {
      try? database.close()
      throw error
    }
  }

  /// Opens a system in memory, which ends with its handle and can otherwise do all the others can.
  ///
  /// - Throws: What `initial` throws; `PrevalenceError`.
  public static func inMemory(
    _ registry: CommandRegistry<Model>, options: PrevalentOptions<Model>, limit: UInt64 = 1 << 36,
    initial: () throws -> Model
  ) throws -> PrevalentSystem<Model> {
    let database: Database
    do {
      database = try Database.inMemory(limit: limit)
    } catch {
      throw PrevalenceError.unwrapped(error)
    }
    return try withoutActuallyEscaping(initial) { initial in
      try open(
        database, owned: true, "main", registry, options, isReadOnly: false, initial: initial)
    }
  }

  /// Whether a database has a system of that name.
  ///
  /// - Throws: `PrevalenceError`.
  public static func exists(
    in database: Database, named name: String = "main"
  ) throws(PrevalenceError) -> Bool {
    try PrevalenceError.wrapping { () throws(EngineError) in
      let view = try database.snapshot()
      defer { view.close() }
      return try PrevalentTrees.find(name, in: view) != nil
    }
  }

  /// Removes a system with its model and its journal from a database; where there is none, nothing
  /// happens.
  ///
  /// - Throws: `PrevalenceError`, `.alreadyOpen` while it is open, `.invalidOptions` for what cannot
  ///   name one.
  public static func erase(
    in database: Database, named name: String = "main"
  ) throws(PrevalenceError) {
    // Trees of another system may begin with such a name.
    try PrevalentTrees.check(name)
    let registration = try SystemRegistration(name, in: database)
    defer { registration.end() }
    do {
      try database.write(durability: .synced) { try PrevalentTrees.drop(name, in: $0) }
    } catch {
      throw CommandJournal.error(error)
    }
  }

  private static func open(
    _ database: Database, owned: Bool, _ name: String, _ registry: CommandRegistry<Model>,
    _ options: PrevalentOptions<Model>, isReadOnly: Bool, initial: (() throws -> Model)?
  ) throws -> PrevalentSystem<Model> {
    try PrevalentTrees.check(name)
    try options.check(registry)
    let isReadOnly = isReadOnly || database.isReadOnly
    // Any number may read what nobody writes.
    let registration = isReadOnly ? nil : try SystemRegistration(name, in: database)
    do {
      let trees = try findOrCreate(
        name, in: database, options, initial: isReadOnly ? nil : initial)
      let system = try load(
        trees, database, owned: owned, name, registry, options, isReadOnly: isReadOnly,
        registration)
      // What an unfinished image has left takes room; where it cannot go now, the next image tries.
      if !isReadOnly { try? system.images.dropUnfinished() }
      if let hook = options.onRestored {
        system.working.withLock { hook(system.model.value, $0.number) }
      }
      return system
    } catch {
      registration?.end()
      throw PrevalenceError.unwrapped(error)
    }
  }

  private static func findOrCreate(
    _ name: String, in database: Database, _ options: PrevalentOptions<Model>,
    initial: (() throws -> Model)?
  ) throws -> PrevalentTrees {
    if let trees = try database.read({ try PrevalentTrees.find(name, in: $0) }) { return trees }
    guard let initial else { throw PrevalenceError.notFound(name: name) }
    let image = try encode(try initial(), options)
    try verify(image.bytes, options)
    let information = SystemInformation(
      modelName: options.modelName, seed: options.seed ?? .random(in: .min ... .max))
    return try database.write(durability: .synced) { transaction in
      let trees = try PrevalentTrees.create(name, in: transaction)
      try transaction.put(
        try information.encoded(), forKey: PrevalentKey.information, in: trees.information)
      let images = ImageStore(database: database, trees: trees, system: name)
      let header = try header(of: image.bytes, number: 0, time: 0, options, hash: image.hash)
      _ = try images.write(header, image.bytes, in: transaction)
      return trees
    }
  }

  private static func load(
    _ trees: PrevalentTrees, _ database: Database, owned: Bool, _ name: String,
    _ registry: CommandRegistry<Model>, _ options: PrevalentOptions<Model>, isReadOnly: Bool,
    _ registration: SystemRegistration?
  ) throws -> PrevalentSystem<Model> {
    let journal =
      isReadOnly
      ? CommandJournal(database: database, trees: trees, resident: nil)
      : try CommandJournal.attach(trees, in: database, name: name)
    do {
      return try load(
        journal, owned: owned, name, registry, options, isReadOnly: isReadOnly, registration)
    } catch {
      journal.resident?.giveUp()
      throw error
    }
  }

  private static func load(
    _ journal: CommandJournal, owned: Bool, _ name: String, _ registry: CommandRegistry<Model>,
    _ options: PrevalentOptions<Model>, isReadOnly: Bool, _ registration: SystemRegistration?
  ) throws -> PrevalentSystem<Model> {
    let (database, trees) = (journal.database, journal.trees)
    let view = try database.snapshot()
    defer { view.close() }
    let information = try SystemInformation.read(trees, in: view)
    guard information.modelName == options.modelName else {
      throw PrevalenceError.modelMismatch(
        stored: information.modelName, expected: options.modelName)
    }
    let loader = ModelLoader(
      journal: journal, images: ImageStore(database: database, trees: trees, system: name),
      registry: registry, options: options, information: information)
    let loaded = try loader.load(from: view)
    let first = try journal.bounds(in: view)?.lowerBound
    let working = WorkingState(
      loaded, firstEntry: first ?? loaded.number + 1, keepsSecondCopy: options.keepsSecondCopy)
    let system = PrevalentSystem(
      name: name, database: database, ownsDatabase: owned, isReadOnly: isReadOnly, loader: loader,
      model: loaded.model, working: working, registration: registration)
    if options.keepsSecondCopy {
      // Made on its own, so that no command has to wait until it is copied.
      let second = try loader.load(from: view)
      let copy = ModelCopy<Model>(second.model, number: second.number, time: second.time)
      system.gallery.show(copy, number: second.number, time: second.time, reading: false)
    }
    return system
  }
}
