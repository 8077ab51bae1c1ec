// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// Copying what is left of a damaged store into a new one.
struct SalvageTests {
  private static func subject() throws -> (image: DiskImage, model: Model) {
    let store = try TestStore()
    var model = Model()
    var random = SplitMix64(seed: 31)
    try store.commit([.createTree("main"), .createTree("second")], to: &model)
    for _ in 0..<12 { try store.commit(Workload.puts(80, of: 10...800, &random), to: &model) }
    try store.commit(
      [
        Workload.put("second", "paged", random.bytes(30_000)),
        Workload.put("second", "runs", random.bytes(150_000)),
        Workload.put("second", "small", [1]),
      ], to: &model)
    try store.database.close()
    return (store.disk.image, model)
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
    let (image, model) = try Self.subject()
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

  /// Compares a copy with what the store held, but for what is told to be lost.
  private static func verify(
    _ report: SalvageReport, _ database: Database, _ model: Model, _ place: String
  ) throws {
    let view = try database.snapshot()
    for (name, entries) in model.trees {
      let gaps = report.losses.filter { $0.tree == name }.map {
        KeyRange(from: $0.from, upTo: $0.upTo)
      }
      let tree = try #require(try view.tree(named: name))
      for (key, value) in entries where !gaps.contains(where: { $0.contains(key) }) {
        #expect(try view.value(forKey: key, in: tree) == value, "\(name), \(place)")
      }
      let cursor = try view.cursor(in: tree)
      while try cursor.next() {
        #expect(entries[cursor.key] != nil || gaps.contains { $0.contains(cursor.key) })
      }
    }
  }

  @Test(arguments: 0..<60)
  func `what is copied is right, and what is not is told`(round: UInt64) throws {
    let (image, model) = try Self.subject()
    var damaged = image
    var random = SplitMix64(seed: 1000 + round)
    for _ in 0..<1 + random.below(3) {
      let blocks = Int(image.length) / 4096
      // Both superblocks, map and catalog lie at the beginning; without them there is no store.
      let block = 8 + random.below(blocks - 8)
      damaged.write(random.bytes(64)[...], at: UInt64(block * 4096 + random.below(4000)))
    }
    do {
      try Self.salvage(damaged) { report, database in
        try Self.verify(report, database, model, "round \(round)")
      }
    } catch let error as EngineError {
      // The catalog was hit.
      guard case .corrupt = error else { throw error }
    }
  }

  @Test
  func `wherever the disk cannot be read, the rest is copied and the place is told`() throws {
    let (image, model) = try Self.subject()
    var unread = 0
    var copied = 0
    for block in 0..<Int(image.length) / 4096 {
      let place = UInt64(block * 4096)
      if image.isZero(4096, at: place) { continue }
      let storage = FlickeringStorage(SimulatedDisk(image), place..<place + 4096)
      try withStore { store in
        do {
          let report = try Database.salvage(from: storage, into: store.database)
          copied += 1
          if !report.isComplete { unread += 1 }
          for loss in report.losses {
            #expect(loss.damage.problem.hasPrefix("cannot be read: "), "\(loss.damage)")
          }
          try Self.verify(report, store.database, model, "block \(block)")
        } catch let error as EngineError {
          // Without the catalog no tree can be found.
          guard case .corrupt(let damage) = error else { throw error }
          #expect(damage.structure == "the catalog")
        }
      }
    }
    // Among them both superblocks, of which one is enough.
    #expect(unread > 10 && copied > unread + 2, "\(copied) copied, \(unread) with losses")
  }

  @Test
  func `a stray value that the disk gives once and not again is lost, and no other`() throws {
    let (image, model) = try Self.subject()
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
    // Each round looks at the page itself, and reads the value.
    let storage = FlickeringStorage(
      SimulatedDisk(damaged), value..<value + 4096, from: whole.reads - 2)
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
    let (image, model) = try Self.subject()
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

  @Test
  func `a file that is no store is refused`() {
    #expect(throws: EngineError.self) {
      try Self.salvage(DiskImage([UInt8](repeating: 7, count: 1 << 20))) { _, _ in }
    }
    #expect(throws: EngineError.self) { try Self.salvage(DiskImage()) { _, _ in } }
  }
}
