// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// What must not come back in part, or be passed over without a word.
struct SalvageLostPartTests {
  private static func key(_ number: Int) -> [UInt8] { Array("k\(number)".utf8) }

  private static func put(
    _ numbers: Range<Int>, of length: Int, in tree: TreeID, _ work: some TreeWriting
  ) throws {
    for number in numbers {
      let value = [UInt8](repeating: UInt8(number % 251), count: length)
      try work.put(value, forKey: key(number), in: tree)
    }
  }

  /// A store whose log goes on in extents behind the last of its pages.
  private static func long(_ body: (TestStore, SimulatedDisk, Superblock) throws -> Void) throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    let tree = try store.database.write { try $0.createTree(named: "main") }
    try store.database.checkpoint()
    for number in 0..<60 {
      try store.database.write { try put(number..<number + 1, of: 40_000, in: tree, $0) }
    }
    try body(store, disk, try SuperblockSelection.read(disk).newest)
    try store.checkTwiceAndClose()
  }

  @Test(arguments: [0, 4096, 500_000])
  func `of a file that was cut short it is told that its log goes on`(_ rest: UInt64) throws {
    try Self.long { store, disk, newest in
      let geometry = store.database.pager.geometry
      for extent in 1..<newest.extentCount {
        var cut = disk.image
        cut.setLength(geometry.offset(ofExtent: extent) + rest)
        try withStore { copy in
          let report = try Database.salvage(from: SimulatedDisk(cut), into: copy.database)
          let view = try copy.database.snapshot()
          defer { view.close() }
          let tree = try view.tree(named: "main")
          let count = try tree.map { try view.count(of: $0) } ?? 0
          #expect(!report.isComplete || count == 60, "\(count) entries, cut in extent \(extent)")
        }
      }
    }
  }

  @Test
  func `a log that ends in the middle of a whole file is complete`() throws {
    try Self.long { store, disk, _ in
      var torn = disk.image
      // Whatever lies behind the last group was never written, also where the file grew for it.
      torn.setLength(torn.length + 300_000)
      try withStore { copy in
        let report = try Database.salvage(from: SimulatedDisk(torn), into: copy.database)
        #expect(report.isComplete, "\(report.losses)")
        #expect(report.logTransactions == 60)
      }
    }
  }

  @Test(arguments: ["a leaf", "the first leaf", "the last leaf"])
  func `a transaction in doubt of which a part is lost is given up, and told`(
    _ place: String
  ) throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    let tree = try store.database.write { try $0.createTree(named: "main") }
    let transaction = try store.database.begin()
    try Self.put(0..<400, of: 100, in: tree, transaction)
    let prepared = try transaction.prepare()
    prepared.leaveInDoubt()
    try store.database.checkpoint()
    let own = try #require(
      store.database.published.tree(named: PreparedTree.name(prepared.number)))
    let geometry = store.database.pager.geometry
    var leaves: [(first: [UInt8], number: UInt64)] = []
    let pages = IntactPages(storage: disk, geometry: geometry, progress: {})
    try pages.forEach { number, page in
      if page.isLeaf, page.tree == own { leaves.append((page.key(0), number)) }
    }
    leaves.sort { $0.first.lexicographicallyPrecedes($1.first) }
    let leaf =
      place == "a leaf"
      ? leaves[leaves.count / 2] : place == "the first leaf" ? leaves[0] : leaves[leaves.count - 1]
    var damaged = disk.image
    damaged.flip(1, at: geometry.offset(ofPage: leaf.number) + 3000)
    try withStore { copy in
      let report = try Database.salvage(from: SimulatedDisk(damaged), into: copy.database)
      let name = PreparedTree.name(prepared.number)
      #expect(
        report.losses.contains { loss in
          loss.damage.structure == "the transaction in doubt \(name)" && loss.tree == name
        })
      #expect(report.trees.map(\.name) == ["main"])
      try copy.reopen()
      #expect(try copy.database.inDoubtTransactions().isEmpty)
      let view = try copy.database.snapshot()
      #expect(try view.count(of: tree) == 0)
      view.close()
    }
    try store.checkTwiceAndClose()
  }

  @Test(arguments: [0, 1, 2, 4])
  func `a transaction in doubt of which an entry is missing is damage`(_ entry: UInt64) throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    let tree = try store.database.write { try $0.createTree(named: "main") }
    let transaction = try store.database.begin()
    try transaction.put([1], forKey: [1], in: tree)
    // Its value is an entry of its own.
    try transaction.put([UInt8](repeating: 2, count: 100_000), forKey: [2], in: tree)
    try transaction.put([3], forKey: [3], in: tree)
    try transaction.put([4], forKey: [4], in: tree)
    let prepared = try transaction.prepare()
    prepared.leaveInDoubt()
    let own = try #require(
      store.database.published.tree(named: PreparedTree.name(prepared.number)))
    try store.database.write { work in
      #expect(try work.count(of: TreeID(rawValue: own)) == 6)
      try work.delete(PreparedTree.key(entry), in: TreeID(rawValue: own))
    }
    let error = #expect(throws: EngineError.self) {
      _ = try TestStore(opening: SimulatedDisk(disk.image))
    }
    guard case .corrupt? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    try withStore { copy in
      let report = try Database.salvage(from: SimulatedDisk(disk.image), into: copy.database)
      #expect(report.losses.count == 1)
      #expect(report.trees.map(\.name) == ["main"])
    }
    try store.check()
    try store.database.close()
  }

  @Test
  func `a committed transaction does not come into doubt again by an older page`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    let tree = try store.database.write { try $0.createTree(named: "main") }
    let transaction = try store.database.begin()
    try Self.put(0..<3, of: 100, in: tree, transaction)
    let prepared = try transaction.prepare()
    prepared.leaveInDoubt()
    try store.database.checkpoint()
    try store.database.decide(.commit, on: prepared.number)
    try store.database.checkpoint()
    let own = try #require(
      store.database.published.tree(named: PreparedTree.name(prepared.number)))
    let root = try #require(store.database.published[own]).root.number
    var damaged = disk.image
    damaged.flip(1, at: store.database.pager.geometry.offset(ofPage: root) + 3000)
    try withStore { copy in
      _ = try Database.salvage(from: SimulatedDisk(damaged), into: copy.database)
      try copy.reopen()
      #expect(try copy.database.inDoubtTransactions().isEmpty)
      let view = try copy.database.snapshot()
      #expect(try view.count(of: tree) == 3)
      view.close()
    }
    try store.checkTwiceAndClose()
  }

  @Test
  func `named snapshots of the old file do not come back by its log`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    let main = try store.database.write { try $0.createTree(named: "main") }
    for _ in 0..<5 { try store.database.write { try Self.put(0..<40, of: 300, in: main, $0) } }
    try store.database.createSnapshot(named: "old")
    let (newest, older) = try SuperblockSelection.read(disk)
    let before = try #require(older)
    var damaged = disk.image
    damaged.flip(1, at: newest.sequence % 2 * UInt64(Superblock.bytes) + 50)
    let geometry = store.database.pager.geometry
    damaged.flip(1, at: geometry.offset(ofPage: before.catalog.number) + 30)
    try withStore { copy in
      let report = try Database.salvage(from: SimulatedDisk(damaged), into: copy.database)
      #expect(!report.trees.contains { $0.name.hasPrefix("engine/") }, "\(report.trees)")
      #expect(try copy.database.namedSnapshots().isEmpty)
      try copy.reopen()
      #expect(try copy.database.namedSnapshots().isEmpty)
    }
    try store.checkTwiceAndClose()
  }

  /// Sizes of values, how many a transaction has, and how many there are of those; the last are
  /// groups of several extents.
  @Test(arguments: [(900, 4, 8), (150_000, 1, 8), (60_000, 20, 3)])
  func `after a power cut at any call while the log grew nothing is told to be lost`(
    _ kind: (size: Int, count: Int, rounds: Int)
  ) throws {
    let disk = SimulatedDisk(recordsHistory: true)
    let store = try TestStore(on: disk)
    let tree = try store.database.write { try $0.createTree(named: "main") }
    var acknowledged: [(mutations: Int, entries: UInt64)] = []
    for round in 0..<kind.rounds {
      let first = round * kind.count
      try store.database.write { work in
        try Self.put(first..<first + kind.count, of: kind.size, in: tree, work)
      }
      acknowledged.append((disk.mutations, UInt64(first + kind.count)))
      if round == kind.rounds / 2 { try store.database.checkpoint() }
    }
    let start = acknowledged[0].mutations
    for call in start...disk.mutations {
      for variant in CrashVariant.allCases {
        let crashed = disk.crashed(atMutation: call, variant, seed: UInt64(call))
        try withStore { copy in
          let report = try Database.salvage(from: crashed, into: copy.database)
          #expect(report.isComplete, "call \(call), \(variant): \(report.losses)")
          let view = try copy.database.snapshot()
          defer { view.close() }
          let least = acknowledged.last { $0.mutations <= call }?.entries ?? 0
          #expect(try view.count(of: tree) >= least, "call \(call), \(variant)")
        }
      }
    }
    try store.checkTwiceAndClose()
  }
}
