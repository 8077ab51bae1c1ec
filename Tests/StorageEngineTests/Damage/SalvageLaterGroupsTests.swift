// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// What was committed after something that the log cannot give any more.
struct SalvageLaterGroupsTests {
  private static func key(_ number: Int) -> [UInt8] { Array("k\(number)".utf8) }

  /// Salvages an image, and tells which of the keys 0 to 9 the copy has in a tree.
  private static func keys(
    of image: DiskImage, in tree: String = "main", _ check: (SalvageReport) throws -> Void
  ) throws -> [Int] {
    var found: [Int] = []
    try withStore { store in
      let report = try Database.salvage(from: SimulatedDisk(image), into: store.database)
      try check(report)
      let view = try store.database.snapshot()
      defer { view.close() }
      let tree = try #require(try view.tree(named: tree))
      found = try (0..<10).filter { try view.value(forKey: key($0), in: tree) != nil }
      #expect(report.trees.map(\.entries) == [UInt64(found.count)])
    }
    return found
  }

  /// A store with a tree in its checkpoint, and the group of the log that comes next.
  private static func storeAtCheckpoint() throws -> (store: TestStore, first: UInt64) {
    let store = try TestStore()
    try store.commit([.createTree("main")])
    try store.database.checkpoint()
    return (store, try SuperblockSelection.read(store.disk).newest.log.nextGroup)
  }

  /// Ten commits, each a group of its own, behind a checkpoint; returns the first of them.
  private static func tenCommits() throws -> (image: DiskImage, first: UInt64) {
    let (store, first) = try Self.storeAtCheckpoint()
    for number in 0..<10 {
      let value = [UInt8](repeating: UInt8(number), count: 100)
      try store.commit([Workload.put("main", "k\(number)", value)])
    }
    let image = store.disk.image
    try store.checkTwiceAndClose()
    return (image, first)
  }

  @Test(arguments: [[0], [4], [8], [3, 4, 5], [0, 2, 7], [1, 8]])
  func `what lies behind a damaged group is copied, and what is missing counted`(
    damaged: [Int]
  ) throws {
    var (image, first) = try Self.tenCommits()
    for number in damaged { image.damage(group: first + UInt64(number)) }
    let keys = try Self.keys(of: image) { report in
      #expect(report.logTransactions == UInt64(10 - damaged.count))
      #expect(report.lostLogTransactions == UInt64(damaged.count))
      #expect(report.losses[0].damage.structure == "log group \(first + UInt64(damaged[0]))")
      #expect(report.losses.allSatisfy { $0.tree == nil })
    }
    #expect(keys == (0..<10).filter { !damaged.contains($0) })
  }

  @Test func `groups that follow on a damaged one and are damaged too are told together`() throws {
    var (image, first) = try Self.tenCommits()
    for number in 4..<9 { image.damage(group: first + UInt64(number)) }
    let keys = try Self.keys(of: image) { report in
      #expect(
        report.losses.map(\.damage.structure) == [
          "log group \(first + 4)", "log groups \(first + 5) to \(first + 8)",
        ])
      #expect(report.lostLogTransactions == 5)
    }
    #expect(keys == [0, 1, 2, 3, 9])
  }

  @Test func `groups of several chunks are put together again`() throws {
    let (store, first) = try Self.storeAtCheckpoint()
    for number in 0..<10 {
      let value = [UInt8](repeating: UInt8(number), count: 60_000)
      try store.commit(
        [Workload.put("main", "k\(number)", value)]
          + (0..<30).map { Workload.put("main", "k0 and part \($0)", value) })
    }
    let image = store.disk.image
    try store.checkTwiceAndClose()
    #expect((0..<10).contains { image.chunks(ofGroup: first + $0).count > 1 })
    for damaged in 0..<9 {
      for chunk in image.chunks(ofGroup: first + UInt64(damaged)) {
        var image = image
        image.flip(1, at: chunk + UInt64(LogChunkHeader.bytes) + 8)
        try withStore { copy in
          let report = try Database.salvage(from: SimulatedDisk(image), into: copy.database)
          #expect(report.lostLogTransactions == 1 && report.logTransactions == 9)
          let view = try copy.database.snapshot()
          defer { view.close() }
          let tree = try #require(try view.tree(named: "main"))
          for number in 0..<10 {
            let value = try view.value(forKey: Self.key(number), in: tree)
            #expect((value == nil) == (number == damaged), "key \(number), \(damaged) damaged")
          }
        }
      }
    }
  }

  @Test func `a tree that only the damaged group had made comes under its number`() throws {
    let (store, first) = try Self.storeAtCheckpoint()
    try store.commit([.createTree("late")])
    for number in 0..<10 { try store.commit([Workload.put("late", "k\(number)", [1])]) }
    var image = store.disk.image
    try store.checkTwiceAndClose()
    image.damage(group: first)
    try withStore { copy in
      let report = try Database.salvage(from: SimulatedDisk(image), into: copy.database)
      let late = try #require(report.trees.last)
      #expect(late.isNameLost && late.entries == 10)
      #expect(report.losses.contains { $0.tree == late.name && $0.from == nil })
      #expect(report.lostLogTransactions == 1)
    }
  }

  /// A crash tears a group and leaves the next ones, which were not acknowledged; the numbers of these
  /// are given once more.
  @Test func `groups that a crash has left over are not taken for later ones`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    let large = [UInt8](repeating: 7, count: 20_000)
    try store.commit([.createTree("main")])
    try store.database.checkpoint()
    let first = try SuperblockSelection.read(disk).newest.log.nextGroup
    try store.commit([Workload.put("main", "k0", [0])])
    try store.commit([Workload.put("main", "k1", large)], durability: .written)
    for number in 5..<10 {
      try store.commit([Workload.put("main", "k\(number)", [9])], durability: .written)
    }
    var image = disk.image
    try store.checkTwiceAndClose()
    image.damage(group: first + 1)
    let again = SimulatedDisk(image)
    let second = try TestStore(opening: again)
    // In the place of the large one.
    for number in 1..<4 { try second.commit([Workload.put("main", "k\(number)", [3])]) }
    image = again.image
    try second.checkTwiceAndClose()
    #expect(image.chunks(ofGroup: first + 2).count == 2)
    #expect(image.chunks(ofGroup: first + 6).count == 1)
    let whole = try Self.keys(of: image) { report in #expect(report.isComplete) }
    #expect(whole == [0, 1, 2, 3])
    for damaged in 1..<3 {
      var image = image
      image.damage(group: first + UInt64(damaged))
      let keys = try Self.keys(of: image) { report in
        // The first is in the pages since the store was opened.
        #expect(report.logTransactions == 2 && report.lostLogTransactions == 1, "\(report)")
      }
      #expect(keys == (0..<4).filter { $0 != damaged })
    }
  }

  @Test func `a tree that took the name of one that was dropped in a lost group keeps it`() throws {
    let store = try TestStore()
    try store.commit([.createTree("main"), Workload.put("main", "k1", [1])])
    try store.database.checkpoint()
    let first = try SuperblockSelection.read(store.disk).newest.log.nextGroup
    try store.commit([.dropTree("main")])
    try store.commit([.createTree("main"), Workload.put("main", "k2", [2])])
    var image = store.disk.image
    try store.checkTwiceAndClose()
    image.damage(group: first)
    let keys = try Self.keys(of: image) { report in
      #expect(report.trees.map(\.name) == ["main"] && report.lostLogTransactions == 1)
    }
    #expect(keys == [2])
  }

  @Test(arguments: [true, false])
  func `what may have been decided in a lost group does not come into doubt again`(
    isBuiltUpon: Bool
  ) throws {
    let store = try TestStore()
    let tree = try store.database.write { try $0.createTree(named: "main") }
    let transaction = try store.database.begin()
    try transaction.put([1], forKey: Self.key(1), in: tree)
    let prepared = try transaction.prepare()
    try store.database.checkpoint()
    let first = try SuperblockSelection.read(store.disk).newest.log.nextGroup
    try prepared.rollback()
    if isBuiltUpon { try store.commit([Workload.put("main", "k1", [2])]) }
    var image = store.disk.image
    try store.checkTwiceAndClose()
    image.damage(group: first)
    try withStore { copy in
      let report = try Database.salvage(from: SimulatedDisk(image), into: copy.database)
      let told = report.losses.contains {
        $0.damage.structure == "the transaction in doubt \(PreparedTree.name(prepared.number))"
      }
      #expect(told == isBuiltUpon, "\(report)")
      try copy.reopen()
      #expect(try copy.database.inDoubtTransactions().isEmpty == isBuiltUpon)
    }
  }
}
