// SPDX-License-Identifier: Apache-2.0

/// Copies what can be read of a damaged store into a new one.
///
/// It follows the trees of the newest checkpoint that can be read, and goes round what is damaged;
/// looks for the entries that are missing then in pages that nothing refers to; and applies the log
/// as far as it goes. Where it cannot be read which trees there are, those are taken that pages name
/// as theirs; without a superblock the log cannot be found. The damaged file is only read.
struct Salvage {
  private static let batchBytes = 4 << 20

  private let pager: Pager
  /// `nil` when neither is intact.
  private let superblock: Superblock?
  private let catalog: ReadCatalog
  private let target: Database
  private(set) var report = SalvageReport()
  /// The trees by number, with their places in the report.
  private var places: [UInt32: Int] = [:]
  /// For each tree the ranges that could not be read.
  private var gaps: [UInt32: [KeyRange]] = [:]
  /// What is known of trees that the catalog does not tell of, where that is damaged.
  private var lostTrees: LostTrees?
  /// Trees that the log has dropped.
  private var dropped: Set<UInt32> = []
  /// Branches that were followed: in a forged file there may be more ways to one than anyone can go.
  private var followed: Set<UInt64> = []
  private var batch: [(tree: UInt32, key: [UInt8], value: [UInt8])] = []
  private var batchBytes = 0
  private var copied: UInt64 = 0
  /// The last transaction that the old store is known to have had.
  private var lastLSN: UInt64
  /// The last group of the log that either superblock says was flushed.
  private let flushedGroup: UInt64
  private let progress: (UInt64) throws -> Void

  init(
    _ storage: any Storage, into target: Database, _ progress: @escaping (UInt64) throws -> Void
  ) throws {
    self.target = target
    self.progress = progress
    do throws(EngineError) {
      let (newest, older) = try SuperblockSelection.read(storage, salvaging: true)
      pager = try Self.pager(storage, PageGeometry(pageBytes: newest.pageBytes))
      let catalog = ReadCatalog(of: newest, pager)
      if catalog.problem != nil, let older,
        case let other = ReadCatalog(of: older, pager), other.problem == nil
      {
        (superblock, self.catalog) = (older, other)
      } else {
        (superblock, self.catalog) = (newest, catalog)
      }
      lastLSN = max(newest.lsn, older?.lsn ?? 0)
      flushedGroup = max(newest.flushedGroup, older?.flushedGroup ?? 0)
    } catch {
      if case .unsupportedVersion = error { throw error }
      guard let pages = try IntactPages.of(storage, { try progress(0) }) else { throw error }
      pager = try Self.pager(storage, pages.geometry)
      superblock = nil
      catalog = ReadCatalog(problem: Self.missingSuperblocks(error, storage))
      lastLSN = 0
      flushedGroup = 0
    }
  }

  private static func pager(
    _ storage: any Storage, _ geometry: PageGeometry
  ) throws(EngineError) -> Pager {
    let pager = try Pager(storage: storage, geometry: geometry, cacheBytes: 4 << 20)
    do throws(StorageError) {
      let extents = try storage.length() / UInt64(PageGeometry.extentBytes)
      pager.map.grow(
        toExtents: Int(min(extents, UInt64(PageTable.maximumPages / geometry.pagesPerExtent))))
    } catch {
      throw .storage(error)
    }
    return pager
  }

  /// A file that has pages of a store is a damaged one.
  private static func missingSuperblocks(
    _ error: EngineError, _ storage: any Storage
  ) -> EngineError {
    guard case .notAStore = error else { return error }
    return .corrupt(
      Damage(
        file: storage.name, offset: 0, structure: "superblocks 0 and 1",
        problem: "neither is intact"))
  }

  /// Does all of it.
  mutating func run() throws {
    var set = catalog.trees
    var names: [UInt32: String] = [:]
    for (name, tree) in set.names { names[tree] = name.text }
    // States under names are made of pages of the old file.
    if let snapshots = set.tree(named: StoredName.snapshots) { set.remove(snapshots) }
    for tree in set.trees { try create(tree.id, named: names[tree.id] ?? "") }
    if let problem = catalog.problem { try createLostTrees(problem) }
    for tree in set.trees where tree.height > 0 {
      try copy(tree.root, tree.height - 1, of: tree.id, KeyRange.all)
    }
    try flush()
    if !gaps.isEmpty { try copyStrayEntries() }
    try replayLog()
    try checkInDoubt()
    // Transactions in doubt keep their numbers, which no later one may have.
    try target.skip(to: lastLSN)
    try target.flush()
  }

  private var intactPages: IntactPages {
    IntactPages(storage: pager.storage, geometry: pager.geometry) { [progress, copied] in
      try progress(copied)
    }
  }

  /// Makes the trees that the catalog does not tell of, of which all entries are missing then.
  private mutating func createLostTrees(_ problem: EngineError) throws {
    let lost = try LostTrees(intactPages, logged: try loggedNames())
    lostTrees = lost
    lastLSN = max(lastLSN, lost.lastLSN)
    // What the catalog might have told of besides.
    try lose(nil, .all, problem)
    let missing = lost.trees.filter { places[$0] == nil }
    try target.write(durability: .manual) { transaction in
      for tree in missing { note(tree, named: create(tree, in: transaction)) }
    }
    for tree in missing { try lose(tree, .all, problem) }
    for (_, name) in lost.ownTrees.sorted(by: { $0.key < $1.key })
    where name != StoredName.snapshots {
      try loseInDoubt(name, "may not have been decided, which only the catalog tells")
    }
  }

  /// Creates a tree that the catalog does not tell of; returns its name.
  private func create(_ tree: UInt32, in transaction: WriteTransaction) -> String {
    transaction.create(tree, asFarAsPossibleNamed: lostTrees?.names[tree])
  }

  // MARK: Into the new store

  private mutating func create(_ tree: UInt32, named name: String) throws {
    let name = try target.write(durability: .manual) { transaction in
      transaction.create(tree, asFarAsPossibleNamed: name)
    }
    note(tree, named: name)
  }

  private mutating func note(_ tree: UInt32, named name: String) {
    target.treeNumbers.reserve(tree)
    guard places[tree] == nil else { return }
    places[tree] = report.trees.count
    report.trees.append(
      SalvageReport.Tree(
        name: name, isNameLost: lostTrees.map { $0.names[tree] != name } ?? false, entries: 0,
        strayEntries: 0))
  }

  private mutating func keep(_ tree: UInt32, _ key: [UInt8], _ value: [UInt8]) throws {
    guard (1...PageGeometry.maximumKeyBytes).contains(key.count),
      value.count <= PageGeometry.maximumValueBytes
    else {
      let problem = "has a key of \(key.count) bytes and a value of \(value.count)"
      return try lose(
        tree, KeyRange(from: key, upTo: key + [0]), damage("an entry of tree \(tree)", problem))
    }
    batch.append((tree, key, value))
    batchBytes += key.count + value.count
    if batchBytes >= Self.batchBytes { try flush() }
  }

  private mutating func flush() throws {
    let entries = batch
    batch = []
    batchBytes = 0
    copied += UInt64(entries.count)
    try progress(copied)
    try target.write(durability: .manual) { transaction in
      for (tree, key, value) in entries {
        try transaction.put(value, forKey: key, in: TreeID(rawValue: tree))
      }
    }
  }

  private mutating func lose(_ tree: UInt32?, _ range: KeyRange, _ error: EngineError) throws {
    let damage = try damage(error)
    let name = tree.flatMap { places[$0] }.map { report.trees[$0].name }
    report.losses.append(
      SalvageReport.Loss(tree: name, from: range.lower, upTo: range.upper, damage: damage))
    if let tree { gaps[tree, default: []].append(range) }
  }

  /// Damage of the old file that has no place of its own.
  private func damage(_ structure: String, _ problem: String) -> EngineError {
    .corrupt(
      Damage(file: pager.storage.name, offset: 0, structure: structure, problem: problem))
  }

  /// What an error says is wrong with the old file; one of the new file is thrown on.
  private func damage(_ error: EngineError) throws -> Damage {
    switch error {
    case .corrupt(let damage): return damage
    case .storage(let failure)
    where failure.operation == .read && failure.name == pager.storage.name:
      return Damage(
        file: failure.name, offset: failure.offset ?? 0, structure: "a part of the file",
        problem: "cannot be read: \(failure.reason)")
    default: throw error
    }
  }

  // MARK: Following the trees

  private mutating func copy(
    _ reference: PageReference, _ level: Int, of tree: UInt32, _ range: KeyRange
  ) throws {
    let buffer = try AlignedBuffer(count: pager.pageBytes)
    let page = buffer.page(at: 0)
    do throws(EngineError) {
      try pager.readFromDisk(reference, into: buffer)
      try pager.checkLevel(page, level)
      guard page.tree == tree, level == 0 || followed.insert(reference.number).inserted else {
        throw pager.damage(reference.number, "is part of another structure")
      }
    } catch {
      return try lose(tree, range, error)
    }
    if level == 0 { return try copyEntries(page, of: tree) }
    try progress(copied)
    for index in 0..<page.count {
      let child = KeyRange(
        from: index == 0 ? range.lower : page.key(index),
        upTo: index + 1 < page.count ? page.key(index + 1) : range.upper)
      try copy(page.child(index), level - 1, of: tree, child)
    }
  }

  private mutating func copyEntries(_ page: PageView, of tree: UInt32) throws {
    for slot in 0..<page.count {
      let key = page.key(slot)
      let value: [UInt8]
      do throws(EngineError) {
        value = try pager.wholeValue(page.form(slot), page.value(slot).array)
      } catch {
        try lose(tree, KeyRange(from: key, upTo: key + [0]), error)
        continue
      }
      try keep(tree, key, value)
      if let place = places[tree] { report.trees[place].entries += 1 }
    }
  }

  // MARK: Pages that nothing refers to

  /// Looks through all pages for leaves with keys that are missing; of several entries of one key
  /// the youngest counts.
  private mutating func copyStrayEntries() throws {
    // Only keys are kept in memory; the values are read in a second round.
    var found: [UInt32: [[UInt8]: Stray]] = [:]
    try forEachStrayEntry { stray, page, slot in
      let key = page.key(slot)
      guard stray.birth >= found[page.tree]?[key]?.birth ?? 0,
        (try? self.pager.wholeValue(page.form(slot), page.value(slot).array)) != nil
      else { return }
      found[page.tree, default: [:]][key] = stray
    }
    var salvage = self
    try forEachStrayEntry { stray, page, slot in
      let key = page.key(slot)
      guard found[page.tree]?[key] == stray else { return }
      let value: [UInt8]
      do throws(EngineError) {
        value = try salvage.pager.wholeValue(page.form(slot), page.value(slot).array)
      } catch {
        // A disk may give once what it does not give again.
        return try salvage.lose(page.tree, KeyRange(from: key, upTo: key + [0]), error)
      }
      try salvage.keep(page.tree, key, value)
      if let place = salvage.places[page.tree] { salvage.report.trees[place].strayEntries += 1 }
    }
    self = salvage
    try flush()
  }

  /// Where an entry was found that nothing refers to.
  private struct Stray: Equatable {
    let birth: UInt64
    let page: UInt64
  }

  /// Passes on the entries of intact leaves whose keys are missing.
  private func forEachStrayEntry(_ body: (Stray, PageView, Int) throws -> Void) throws {
    try intactPages.forEach { number, page in
      guard page.isLeaf, let gaps = gaps[page.tree] else { return }
      for slot in 0..<page.count where gaps.contains(where: { $0.contains(page.key(slot)) }) {
        try body(Stray(birth: page.birth, page: number), page, slot)
      }
    }
  }

  // MARK: The log

  private mutating func replayLog() throws {
    guard superblock != nil else {
      return try loseLog(
        "cannot be found without a superblock, so that the last commits are missing")
    }
    var salvage = self
    do {
      try forEachLogged { transaction in
        try salvage.apply(transaction)
        salvage.lastLSN = max(salvage.lastLSN, transaction.lsn)
        salvage.report.logTransactions += 1
      }
      self = salvage
    } catch let error as EngineError {
      self = salvage
      try lose(nil, .all, error)
    } catch let error as LogRecordReader.Malformed {
      self = salvage
      try loseLog(error.problem)
    }
  }

  private mutating func loseLog(_ problem: String) throws {
    try lose(nil, .all, damage("the log", problem))
  }

  /// Passes on the transactions of the log.
  private func forEachLogged(_ body: (LogRecordReader.Transaction) throws -> Void) throws {
    guard let superblock else { return }
    let payload = LogBuffer()
    var reader = try LogReader(
      pager: pager, store: superblock.logMark, from: superblock.log, claimedGroup: flushedGroup)
    while try reader.next(into: payload) {
      try progress(copied)
      var records = LogRecordReader(payload.bytes)
      while let transaction = try records.next() { try body(transaction) }
      payload.removeAll()
    }
  }

  /// The names that the log gives to trees, with those that have them at its end.
  ///
  /// What is wrong with the log is told when it is applied.
  private func loggedNames() throws -> [String: UInt32] {
    var names: [String: UInt32] = [:]
    do {
      try forEachLogged { transaction in
        for case .create(let id, let name) in transaction.trees { names[name] = id }
      }
    } catch is EngineError {
    } catch is LogRecordReader.Malformed {}
    return names
  }

  private mutating func apply(_ logged: LogRecordReader.Transaction) throws {
    let pager = pager
    for case .drop(let id) in logged.trees { dropped.insert(id) }
    let created = try target.write(durability: .manual) { transaction in
      var created = try logged.trees.compactMap { try transaction.repeatIfPossible($0) }
      var sources: [any ChangeSource] = []
      for part in logged.spilled { sources.append(try SpilledChanges(part, pager)) }
      let merge = ChangeMerge(sources + [LoggedChanges(logged.changes)])
      while let change = merge.current {
        let tree = TreeID(rawValue: change.tree)
        if isLost(change.tree, to: transaction) {
          created.append((change.tree, create(change.tree, in: transaction)))
        }
        if transaction.treeSet[change.tree] != nil {
          switch change.operation {
          case .put: try transaction.put(change.value.array, forKey: change.key.array, in: tree)
          case .putDirect:
            let value = try pager.directValue(change.value)
            try transaction.put(value, forKey: change.key.array, in: tree)
          case .delete: try transaction.delete(change.key.array, in: tree)
          }
        }
        try merge.advance()
      }
      return created
    }
    for (tree, name) in created { try noteLogged(tree, named: name, logged.trees) }
  }

  /// Whether a tree that the log writes to is one that the damaged catalog does not tell of.
  private func isLost(_ tree: UInt32, to transaction: WriteTransaction) -> Bool {
    guard let lostTrees else { return false }
    return transaction.treeSet[tree] == nil && !dropped.contains(tree)
      && lostTrees.ownTrees[tree] == nil && tree > 0 && tree < .max
  }

  private mutating func noteLogged(
    _ tree: UInt32, named name: String, _ changes: [TreeChange]
  ) throws {
    let isNew = places[tree] == nil
    note(tree, named: name)
    let isCreated = changes.contains { change in
      if case .create(tree, _) = change { true } else { false }
    }
    if isNew, !isCreated, let problem = catalog.problem { try lose(tree, .all, problem) }
  }

  // MARK: Transactions in doubt

  /// Gives up the transactions in doubt that are not whole: with them the store cannot be opened.
  private mutating func checkInDoubt() throws {
    let problems = try target.write(durability: .manual) { transaction in
      try transaction.dropBrokenPrepared()
    }
    for (name, problem) in problems { try loseInDoubt(name, problem) }
  }

  private mutating func loseInDoubt(_ name: String, _ problem: String) throws {
    try lose(nil, .all, damage("the transaction in doubt \(name)", problem))
  }
}

/// What can be read of a catalog.
private struct ReadCatalog {
  var trees = TreeSet()
  /// Why there may be more trees than these.
  var problem: EngineError?

  init(problem: EngineError) {
    self.problem = problem
  }

  init(of superblock: Superblock, _ pager: Pager) {
    do {
      _ = try ChainReader(pager: pager).read(superblock.catalog, .catalog) {
        Catalog.decode($0, into: &trees)
      }
    } catch {
      problem = error
    }
  }
}

extension WriteTransaction {
  /// Makes a change of trees that a log tells of, unless it does not fit to what is there.
  ///
  /// Returns the tree that was created, if any.
  fileprivate func repeatIfPossible(
    _ change: TreeChange
  ) throws(EngineError) -> (tree: UInt32, name: String)? {
    switch change {
    case .create(let id, let name):
      guard name != StoredName.snapshots, treeSet[id] == nil else { return nil }
      return (id, create(id, asFarAsPossibleNamed: name))
    case .drop(let id):
      if treeSet[id] != nil { try dropTree(TreeID(rawValue: id)) }
      return nil
    }
  }

  /// Creates a tree and returns its name: the number where there is none, or another has it.
  fileprivate func create(_ id: UInt32, asFarAsPossibleNamed wish: String?) -> String {
    var name = wish ?? "tree \(id)"
    if treeSet.tree(named: name) != nil { name = "tree \(id)" }
    while treeSet.tree(named: name) != nil { name += " again" }
    create(id, named: name)
    return name
  }
}

extension KeyRange {
  /// Whether a key lies in the range.
  func contains(_ key: [UInt8]) -> Bool {
    if let lower, key.lexicographicallyPrecedes(lower) { return false }
    if let upper, !key.lexicographicallyPrecedes(upper) { return false }
    return true
  }
}
