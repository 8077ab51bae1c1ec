// SPDX-License-Identifier: Apache-2.0

/// Copies what can be read of a damaged store into a new one.
///
/// It follows the trees of the newest checkpoint that can be read, and goes round what is damaged;
/// looks for the entries that are missing then in pages that nothing refers to; and applies the log,
/// behind damage in it with what was written later. Where it cannot be read which trees there are,
/// those are taken that pages name as theirs; without a superblock the log cannot be found. The
/// damaged file is only read.
struct Salvage {
  private static let batchBytes = 4 << 20

  let pager: Pager
  /// `nil` when neither is intact.
  let superblock: Superblock?
  let catalog: ReadCatalog
  let target: Database
  var report = SalvageReport()
  /// The trees by number, with their places in the report.
  var places: [UInt32: Int] = [:]
  /// For each tree the ranges that could not be read.
  var gaps: [UInt32: [KeyRange]] = [:]
  /// What is known of trees that the catalog does not tell of, where that is damaged.
  var lostTrees: LostTrees?
  /// Trees that the log has dropped, and those that are not copied.
  var dropped: Set<UInt32> = []
  /// What is wrong with the log: there may be transactions in it that were not applied.
  var logProblem: EngineError?
  /// Whether something was told to be lost since the last transaction of the log.
  var isGapTold = false
  /// The first transaction that was found behind damage in the log.
  var firstBehindDamage: UInt64?
  /// The names that the log gives to trees.
  var givenNames: [UInt32: String] = [:]
  /// The last transaction of which the copy has the changes, or was told that it was lost.
  var appliedLSN: UInt64
  /// Pages that were followed: in a forged file there may be more ways to one than anyone can go.
  var followed = PageNumbers()
  private var batch: [(tree: UInt32, key: [UInt8], value: [UInt8])] = []
  private var batchBytes = 0
  private(set) var copied: UInt64 = 0
  /// The last transaction that the old store is known to have had.
  var lastLSN: UInt64
  /// The last group of the log that either superblock says was flushed.
  let flushedGroup: UInt64
  let progress: (UInt64) throws -> Void

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
      appliedLSN = superblock?.lsn ?? 0
      lastLSN = max(newest.lsn, older?.lsn ?? 0)
      flushedGroup = max(newest.flushedGroup, older?.flushedGroup ?? 0)
    } catch {
      if case .unsupportedVersion = error { throw error }
      guard let pages = try IntactPages.of(storage, { try progress(0) }) else { throw error }
      pager = try Self.pager(storage, pages.geometry)
      superblock = nil
      catalog = ReadCatalog(problem: Self.missingSuperblocks(error, storage))
      appliedLSN = 0
      lastLSN = 0
      flushedGroup = 0
    }
  }

  private static func pager(
    _ storage: any Storage, _ geometry: PageGeometry
  ) throws(EngineError) -> Pager {
    let pager = try Pager(storage: storage, geometry: geometry, cacheBytes: 4 << 20)
    do throws(StorageError) {
      // One that the file ends in counts: what is missing in it is told where it is read.
      let prologue = UInt64(PageGeometry.prologueBytes)
      let bytes = max(try storage.length(), prologue) - prologue
      let extents =
        (bytes + UInt64(PageGeometry.extentBytes) - 1) / UInt64(PageGeometry.extentBytes)
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
    if let snapshots = set.tree(named: StoredName.snapshots) {
      set.remove(snapshots)
      dropped.insert(snapshots)
    }
    for tree in set.trees { try create(tree.id, named: names[tree.id] ?? "") }
    if let problem = catalog.problem { try createLostTrees(problem) }
    for tree in set.trees where tree.height > 0 && places[tree.id] != nil {
      try copy(tree.root, tree.height - 1, of: tree.id, KeyRange.all)
    }
    try flush()
    if !gaps.isEmpty { try copyStrayEntries() }
    try replayLog()
    try checkInDoubt()
    try raiseRecordNumbers()
    try countEntries()
    // Transactions in doubt keep their numbers, which no later one may have.
    try target.skip(to: lastLSN)
    try target.flush()
  }

  var intactPages: IntactPages {
    IntactPages(storage: pager.storage, geometry: pager.geometry) { [progress, copied] in
      try progress(copied)
    }
  }

  // MARK: Into the new store

  private mutating func create(_ tree: UInt32, named name: String) throws {
    guard tree > 0 else {
      return try lose(nil, .all, damage("the catalog", "has a tree of number 0, '\(name)'"))
    }
    note(
      try target.write(durability: .manual) { transaction in
        transaction.create(tree, asFarAsPossibleNamed: name)
      })
  }

  mutating func note(_ tree: SalvagedTree) {
    target.treeNumbers.reserve(tree.id)
    guard places[tree.id] == nil else { return }
    places[tree.id] = report.trees.count
    report.trees.append(
      SalvageReport.Tree(
        name: tree.name, isNameLost: tree.isNameLost, entries: 0, strayEntries: 0))
  }

  /// Tells what the trees of the copy have, without those that the log has dropped again.
  private mutating func countEntries() throws {
    let made = try target.write(durability: .manual) { $0.treeSet }
    let present = places.sorted { $0.value < $1.value }.compactMap { made[$0.key] }
    report.trees = present.map { tree in
      var told = report.trees[places[tree.id] ?? 0]
      told.entries = tree.entries
      return told
    }
    places = [:]
  }

  mutating func keep(_ tree: UInt32, _ key: [UInt8], _ value: [UInt8]) throws {
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

  mutating func flush() throws {
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

  mutating func lose(_ tree: UInt32?, _ range: KeyRange, _ error: EngineError) throws {
    let damage = try damage(error)
    let name = tree.flatMap { places[$0] }.map { report.trees[$0].name }
    report.losses.append(
      SalvageReport.Loss(tree: name, from: range.lower, upTo: range.upper, damage: damage))
    if let tree { gaps[tree, default: []].append(range) }
  }

  /// Damage of the old file that has no place of its own.
  func damage(_ structure: String, _ problem: String) -> EngineError {
    .corrupt(
      Damage(file: pager.storage.name, offset: 0, structure: structure, problem: problem))
  }

  /// What an error says is wrong with the old file; one of the new file is thrown on.
  func damage(_ error: EngineError) throws -> Damage {
    switch error {
    case .corrupt(let damage) where damage.file == pager.storage.name: return damage
    case .storage(let failure)
    where failure.operation == .read && failure.name == pager.storage.name:
      return Damage(
        file: failure.name, offset: failure.offset ?? 0, structure: "a part of the file",
        problem: "cannot be read: \(failure.reason)")
    default: throw error
    }
  }
}
