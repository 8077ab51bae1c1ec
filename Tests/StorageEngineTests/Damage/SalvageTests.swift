// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// Copying what is left of a damaged store into a new one.
struct SalvageTests {
  /// All values that the keys of each tree ever had.
  private typealias History = [String: [[UInt8]: Set<[UInt8]>]]

  private static func subject(
    hasOlderCatalog: Bool = false
  ) throws -> (image: DiskImage, model: Model, history: History) {
    let store = try TestStore()
    var model = Model()
    var history: History = [:]
    func commit(_ changes: [Change]) throws {
      try store.commit(changes, to: &model)
      for case .put(let tree, let key, let value) in changes {
        history[tree, default: [:]][key, default: []].insert(value)
      }
    }
    var random = SplitMix64(seed: 31)
    try commit([.createTree("main"), .createTree("second")])
    if hasOlderCatalog { try store.database.checkpoint() }
    for _ in 0..<12 { try commit(Workload.puts(80, of: 10...800, &random)) }
    try commit([
      Workload.put("second", "paged", random.bytes(30_000)),
      Workload.put("second", "runs", random.bytes(150_000)),
      Workload.put("second", "small", [1]),
    ])
    try store.database.close()
    return (store.disk.image, model, history)
  }

  private static func salvage(
    _ image: DiskImage, _ check: (SalvageReport, Database) throws -> Void
  ) throws {
    try withStore { store in
      let report = try Database.salvage(from: SimulatedDisk(image), into: store.database)
      try check(report, store.database)
    }
  }

  @Test
  func `of a store without damage everything is copied`() throws {
    let (image, model, _) = try Self.subject()
    try Self.salvage(image) { report, database in
      #expect(report.isComplete)
      #expect(report.trees.map(\.name) == ["main", "second"])
      #expect(report.trees.reduce(0) { $0 + $1.strayEntries } == 0)
      try model.verify(try database.snapshot())
    }
  }

  @Test
  func `the log of a store that was not closed is applied`() throws {
    let store = try TestStore(adjust: { $0.transactionMemoryBytes = 16 << 10 })
    var model = Model()
    var random = SplitMix64(seed: 33)
    try store.commit([.createTree("main")], to: &model)
    try store.commit(Workload.puts(100, of: 10...500, &random), to: &model)
    try store.database.checkpoint()
    try store.commit([.createTree("late"), Workload.put("late", "k", [7])], to: &model)
    try store.commit(
      Workload.puts(300, of: 100...500, &random) + [
        Workload.put("main", "in runs", random.bytes(90_000))
      ], to: &model)
    try Self.salvage(store.disk.image) { report, database in
      #expect(report.isComplete)
      #expect(report.logTransactions == 2)
      try model.verify(try database.snapshot())
    }
    try store.database.close()
  }

  /// Compares a copy with what the store held; where something is told to be lost, a key has nothing
  /// or a value that it had once.
  private static func verify(
    _ report: SalvageReport, _ database: Database, _ model: Model, _ history: History,
    _ place: String
  ) throws {
    let view = try database.snapshot()
    let numbers = ["main": 1, "second": 2]
    for (name, entries) in model.trees {
      // Where no catalog can be read, trees are named by their numbers.
      let isNamed = report.trees.contains { $0.name == name }
      let found = isNamed ? name : "tree \(try #require(numbers[name]))"
      let gaps = report.losses.filter { $0.tree == found }.map {
        KeyRange(from: $0.from, upTo: $0.upTo)
      }
      let tree = try #require(try view.tree(named: found))
      for (key, value) in entries where !gaps.contains(where: { $0.contains(key) }) {
        #expect(try view.value(forKey: key, in: tree) == value, "\(name), \(place)")
      }
      let cursor = try view.cursor(in: tree)
      while try cursor.next() {
        #expect(entries[cursor.key] != nil || gaps.contains { $0.contains(cursor.key) })
        let value = try cursor.value()
        #expect(history[name]?[cursor.key]?.contains(value) == true, "\(name), \(place)")
      }
    }
  }

  @Test(arguments: 0..<60)
  func `what is copied is right, and what is not is told`(round: UInt64) throws {
    let (image, model, history) = try Self.subject()
    var damaged = image
    var random = SplitMix64(seed: 1000 + round)
    for _ in 0..<1 + random.below(3) {
      let blocks = Int(image.length) / 4096
      let block = random.below(blocks)
      damaged.write(random.bytes(64)[...], at: UInt64(block * 4096 + random.below(4000)))
    }
    try Self.salvage(damaged) { report, database in
      try Self.verify(report, database, model, history, "round \(round)")
    }
  }

  @Test
  func `wherever the disk cannot be read, the rest is copied and the place is told`() throws {
    let (image, model, history) = try Self.subject()
    var unread = 0
    var copied = 0
    for block in 0..<Int(image.length) / 4096 {
      let place = UInt64(block * 4096)
      if image.isZero(4096, at: place) { continue }
      let storage = FlickeringStorage(SimulatedDisk(image), place..<place + 4096)
      try withStore { store in
        let report = try Database.salvage(from: storage, into: store.database)
        copied += 1
        if !report.isComplete { unread += 1 }
        for loss in report.losses {
          #expect(loss.damage.problem.hasPrefix("cannot be read: "), "\(loss.damage)")
        }
        try Self.verify(report, store.database, model, history, "block \(block)")
      }
    }
    // Among them both superblocks, of which one is enough.
    #expect(unread > 10 && copied > unread + 2, "\(copied) copied, \(unread) with losses")
  }

  @Test
  func `a stray value that the disk gives once and not again is lost, and no other`() throws {
    let (image, model, _) = try Self.subject()
    let disk = SimulatedDisk(image)
    let store = try TestStore(opening: disk)
    try store.commit([Workload.put("main", "runs", [UInt8](repeating: 9, count: 90_000))])
    let tree = try #require(store.database.published.trees.first { $0.entries > 100 })
    let geometry = store.database.pager.geometry
    try store.database.close()
    let root = try #require(store.database.published[tree.id]).root.number
    var damaged = disk.image
    let place = geometry.offset(ofPage: root) + 100
    damaged.write([UInt8](repeating: 0xEE, count: 200)[...], at: place)
    let value = try #require(
      (1..<UInt64(damaged.length / 4096) - 2).map(geometry.offset(ofPage:)).first { place in
        damaged.bytes(4096, at: place).allSatisfy { $0 == 9 }
      })
    let whole = FlickeringStorage(SimulatedDisk(damaged), value..<value + 4096, from: .max)
    let complete = try TestStore()
    _ = try Database.salvage(from: whole, into: complete.database)
    // Each round looks at the page itself, and reads the value; then it is looked for more of the log.
    let storage = FlickeringStorage(
      SimulatedDisk(damaged), value..<value + 4096, from: whole.reads - 3)
    try withStore { store in
      let report = try Database.salvage(from: storage, into: store.database)
      #expect(report.losses.map(\.from).contains(Array("runs".utf8)))
      let view = try store.database.snapshot()
      let main = try #require(try view.tree(named: "main"))
      #expect(try view.value(forKey: Array("runs".utf8), in: main) == nil)
      for (key, value) in model.trees["main"] ?? [:] {
        #expect(try view.value(forKey: key, in: main) == value)
      }
      #expect(report.trees[0].strayEntries == (try view.count(of: main)))
    }
  }

  @Test
  func `what only the newer superblock says was flushed is missed`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    try store.commit([.createTree("main")])
    try store.database.checkpoint()
    let older = try SuperblockSelection.read(disk).newest
    try store.commit([Workload.put("main", "k", [1])])
    try store.database.checkpoint()
    let newer = try SuperblockSelection.read(disk).newest
    var damaged = disk.image
    let geometry = store.database.pager.geometry
    damaged.flip(1, at: geometry.offset(ofPage: newer.catalog.number) + 30)
    damaged.flip(1, at: geometry.offset(ofExtent: older.log.extent) + UInt64(older.log.offset) + 70)
    try Self.salvage(damaged) { report, _ in
      #expect(report.losses.map(\.damage.structure) == ["log group \(older.log.nextGroup)"])
    }
  }

  @Test
  func `entries under a damaged branch are found in pages that nothing refers to`() throws {
    let (image, model, _) = try Self.subject()
    let disk = SimulatedDisk(image)
    let database = try Database.open(
      on: disk, configuration: .testing(scheduler: ManualScheduler()))
    let set = database.published
    let tree = try #require(set.trees.first { $0.entries > 100 })
    #expect(tree.height == 2)
    let offset = database.pager.geometry.offset(ofPage: tree.root.number)
    try database.close()
    var damaged = disk.image
    damaged.write([UInt8](repeating: 0xEE, count: 200)[...], at: offset + 100)
    try Self.salvage(damaged) { report, database in
      #expect(report.losses.count == 1)
      let view = try database.snapshot()
      let main = try #require(try view.tree(named: "main"))
      #expect(report.trees[0].strayEntries >= UInt64(model.trees["main"]?.count ?? 0))
      for (key, value) in model.trees["main"] ?? [:] {
        #expect(try view.value(forKey: key, in: main) == value)
      }
    }
  }

  /// Where all catalogs of the subject lie, also those that nothing refers to any more.
  private static func catalogs(_ image: DiskImage) throws -> [UInt64] {
    let pages = IntactPages(
      storage: SimulatedDisk(image), geometry: PageGeometry(pageBytes: 4096), progress: {})
    var places: [UInt64] = []
    try pages.forEach { number, page in
      if page.kind == PageKind.catalog.rawValue {
        places.append(pages.geometry.offset(ofPage: number))
      }
    }
    return places
  }

  /// Compares what was found by pages alone, with all losses told.
  private static func verifyFound(
    _ report: SalvageReport, _ database: Database, _ model: Model, named names: [String: String]
  ) throws {
    let view = try database.snapshot()
    for (name, entries) in model.trees {
      let found = try #require(names[name])
      let tree = try #require(try view.tree(named: found))
      #expect(try view.count(of: tree) == UInt64(entries.count))
      for (key, value) in entries { #expect(try view.value(forKey: key, in: tree) == value) }
      let loss = try #require(report.losses.first { $0.tree == found })
      #expect(loss.from == nil && loss.upTo == nil)
    }
  }

  @Test
  func `where the catalog is damaged, trees are found by their pages and named by older catalogs`()
    throws
  {
    let (image, model, _) = try Self.subject(hasOlderCatalog: true)
    let newest = try SuperblockSelection.read(SimulatedDisk(image)).newest
    var damaged = image
    let geometry = PageGeometry(pageBytes: newest.pageBytes)
    damaged.flip(1, at: geometry.offset(ofPage: newest.catalog.number) + 30)
    try Self.salvage(damaged) { report, database in
      try Self.verifyFound(report, database, model, named: ["main": "main", "second": "second"])
    }
  }

  @Test
  func `where no catalog is intact, trees are named by their numbers`() throws {
    let (image, model, _) = try Self.subject()
    var damaged = image
    for place in try Self.catalogs(image) { damaged.flip(1, at: place + 30) }
    try Self.salvage(damaged) { report, database in
      try Self.verifyFound(
        report, database, model, named: ["main": "tree 1", "second": "tree 2"])
    }
  }

  @Test
  func `where neither superblock is intact, everything that pages hold is copied`() throws {
    let (image, model, _) = try Self.subject()
    for magic in [true, false] {
      var damaged = image
      damaged.write([UInt8](repeating: 0, count: magic ? 4 : 4096)[...], at: 0)
      damaged.write([UInt8](repeating: 0, count: magic ? 4 : 4096)[...], at: 4096)
      try Self.salvage(damaged) { report, database in
        try Self.verifyFound(report, database, model, named: ["main": "main", "second": "second"])
        #expect(
          Set(report.losses.map(\.damage.structure)) == ["superblocks 0 and 1", "the log"])
      }
    }
  }

  @Test
  func `a tree of the log is copied beside a dropped one of its name that came back`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    var random = SplitMix64(seed: 5)
    try store.commit([.createTree("main"), .createTree("other")])
    try store.commit(Workload.puts(200, of: 10...500, &random))
    try store.database.checkpoint()
    try store.commit([.dropTree("main")])
    try store.database.checkpoint()
    try store.commit([.createTree("main"), Workload.put("main", "k", [2])])
    let newest = try SuperblockSelection.read(disk).newest
    var damaged = disk.image
    let geometry = PageGeometry(pageBytes: newest.pageBytes)
    damaged.flip(1, at: geometry.offset(ofPage: newest.catalog.number) + 30)
    // The older one, and with it the catalog that named the dropped tree.
    damaged.flip(1, at: (newest.sequence + 1) % 2 * UInt64(Superblock.bytes) + 50)
    try Self.salvage(damaged) { report, database in
      #expect(report.trees.map(\.name) == ["tree 1", "other", "main"])
      let view = try database.snapshot()
      let late = try #require(try view.tree(named: "main"))
      #expect(try view.value(forKey: Array("k".utf8), in: late) == [2])
      #expect(report.trees[0].strayEntries > 0)
    }
    try store.database.close()
  }

  /// The newest catalog damaged, and the older superblock that names another one.
  private static func withoutCatalog(_ disk: SimulatedDisk) throws -> DiskImage {
    let newest = try SuperblockSelection.read(disk).newest
    var damaged = disk.image
    let geometry = PageGeometry(pageBytes: newest.pageBytes)
    damaged.flip(1, at: geometry.offset(ofPage: newest.catalog.number) + 30)
    damaged.flip(1, at: (newest.sequence + 1) % 2 * UInt64(Superblock.bytes) + 50)
    return damaged
  }

  @Test
  func `what the log has written to a tree that nothing else tells of is copied, and told`() throws
  {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    try store.commit([.createTree("main"), .createTree("other"), Workload.put("other", "k", [1])])
    try store.database.checkpoint()
    try store.commit([Workload.put("main", "k", [2])])
    try Self.salvage(try Self.withoutCatalog(disk)) { report, database in
      #expect(report.logTransactions == 1)
      #expect(report.losses.contains { $0.tree == "tree 1" && $0.from == nil })
      let view = try database.snapshot()
      let tree = try #require(try view.tree(named: "tree 1"))
      #expect(try view.value(forKey: Array("k".utf8), in: tree) == [2])
      #expect(report.trees.first { $0.name == "tree 1" }?.isNameLost == true)
    }
    try store.database.close()
  }

  @Test
  func `without superblocks it is told that the log is missing`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    try store.commit([.createTree("main"), Workload.put("main", "a", [1])])
    try store.database.checkpoint()
    try store.commit([Workload.put("main", "b", [2])])
    var damaged = disk.image
    damaged.write([UInt8](repeating: 0, count: 8192)[...], at: 0)
    try Self.salvage(damaged) { report, _ in
      #expect(report.losses.contains { $0.damage.structure == "the log" })
    }
    try store.database.close()
  }

  @Test
  func `a tree whose number is another one's name gets a name of its own`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    try store.commit([.createTree("lost"), .createTree("tree 1"), Workload.put("lost", "k", [1])])
    try store.database.checkpoint()
    try store.commit([.createTree("late"), .dropTree("tree 1"), .createTree("tree 1")])
    try Self.salvage(try Self.withoutCatalog(disk)) { report, database in
      #expect(Set(report.trees.map(\.name)).count == report.trees.count)
      let view = try database.snapshot()
      #expect(try report.trees.allSatisfy { try view.tree(named: $0.name) != nil })
    }
    try store.database.close()
  }

  /// A store with a transaction in doubt, and the tree that it lies in.
  private static func inDoubt(_ body: (SimulatedDisk, Database, UInt32) throws -> Void) throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    let record = try store.database.makeRecord()
    let transaction = try store.database.begin()
    try transaction.update(record, to: [9])
    let prepared = try transaction.prepare()
    prepared.leaveInDoubt()
    try store.database.checkpoint()
    let name = PreparedTree.name(prepared.number)
    let tree = try #require(store.database.published.tree(named: name))
    try body(disk, store.database, tree)
    try store.database.close()
  }

  /// Salvages into a store that must open again; returns the transactions in doubt there.
  private static func inDoubtAfterwards(
    _ image: DiskImage, _ check: (SalvageReport) -> Void
  ) throws -> Int {
    let store = try TestStore()
    check(try Database.salvage(from: SimulatedDisk(image), into: store.database))
    try store.reopen()
    defer { try? store.database.close() }
    return try store.database.inDoubtTransactions().count
  }

  @Test
  func `a transaction in doubt is copied whole or given up, so that the copy can be opened`() throws
  {
    try Self.inDoubt { disk, database, tree in
      let copied = try Self.inDoubtAfterwards(disk.image) { report in #expect(report.isComplete) }
      #expect(copied == 1)
      let root = try #require(database.published[tree]).root.number
      var damaged = disk.image
      damaged.flip(1, at: database.pager.geometry.offset(ofPage: root) + 200)
      let left = try Self.inDoubtAfterwards(damaged) { report in
        #expect(
          report.losses.contains { $0.damage.structure.hasPrefix("the transaction in doubt ") })
      }
      #expect(left == 0)
    }
  }

  @Test
  func `where the catalog is lost, transactions in doubt do not come back, and are told`() throws {
    try Self.inDoubt { disk, database, _ in
      // A younger catalog that has them still is damaged, an older one names them.
      try database.write { _ = try $0.createTree(named: "late") }
      try database.checkpoint()
      let left = try Self.inDoubtAfterwards(try Self.withoutCatalog(disk)) { report in
        #expect(
          report.losses.contains { $0.damage.structure.hasPrefix("the transaction in doubt ") })
      }
      #expect(left == 0)
    }
  }

  @Test
  func `a store that has a tree already takes no copy`() throws {
    let (image, _, _) = try Self.subject()
    for name in ["main", "another"] {
      try withStore { store in
        try store.commit([.createTree(name), Workload.put(name, "k", [1])])
        #expect(throws: EngineError.treeExists(name)) {
          _ = try Database.salvage(from: SimulatedDisk(image), into: store.database)
        }
        let view = try store.database.snapshot()
        defer { view.close() }
        #expect(try view.trees().map(\.name) == [name])
      }
    }
  }

  @Test
  func `a tree that the log drops is not told as one of the copy`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    try store.commit([.createTree("old"), .createTree("main"), Workload.put("main", "k", [1])])
    try store.database.checkpoint()
    try store.commit([.dropTree("old"), .createTree("late")])
    try Self.salvage(disk.image) { report, database in
      #expect(report.isComplete)
      #expect(report.trees.map(\.name) == ["main", "late"])
      #expect(report.trees.map(\.entries) == [1, 0])
    }
    try store.database.close()
  }

  @Test
  func `a file that is no store is refused`() {
    #expect(throws: EngineError.self) {
      try Self.salvage(DiskImage([UInt8](repeating: 7, count: 1 << 20))) { _, _ in }
    }
    #expect(throws: EngineError.self) { try Self.salvage(DiskImage()) { _, _ in } }
  }
}
