// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// Names of trees in a copy.
struct SalvageNameTests {
  @Test(arguments: [20_000, 300, 0])
  func `a tree with a name that none can have is called by its number`(length: Int) throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk, pageBytes: 65536)
    try store.database.write { transaction in
      transaction.create(1, named: "main")
      transaction.create(2, named: String(repeating: "x", count: length))
      try transaction.put([1], forKey: [1], in: TreeID(rawValue: 1))
    }
    try store.database.close()
    let copyDisk = SimulatedDisk()
    try withStore(on: copyDisk) { copy in
      let report = try Database.salvage(from: SimulatedDisk(disk.image), into: copy.database)
      #expect(report.trees.map(\.name) == ["main", "tree 2"])
      #expect(report.trees.map(\.isNameLost) == [false, true])
      // As after a crash, and as after closing.
      let crashed = try TestStore(opening: SimulatedDisk(copyDisk.image))
      try crashed.checkTwiceAndClose()
      try copy.reopen()
    }
  }

  @Test
  func `trees whose numbers are names of others get names of their own`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    // Tree 0 cannot be made at all.
    try store.database.write { transaction in
      transaction.create(0, named: "tree 50")
      var name = "tree 50"
      for id in UInt32(1)..<50 {
        name = id < 40 ? name + " again" : "tree 50 (\(id - 38))"
        transaction.create(id, named: String(name.utf8.prefix(255)) ?? "")
      }
      transaction.create(50, named: "")
    }
    try store.database.close()
    try withStore { copy in
      let report = try Database.salvage(from: SimulatedDisk(disk.image), into: copy.database)
      #expect(report.trees.allSatisfy { (1...255).contains($0.name.utf8.count) })
      #expect(report.trees.count >= 49)
      #expect(!report.isComplete)
      try copy.reopen()
    }
  }

  @Test
  func `names that Unicode calls equal are both kept`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    try store.database.write { _ = try $0.createTree(named: "other") }
    try store.database.checkpoint()
    try store.database.write { transaction in
      let one = try transaction.createTree(named: "\u{e9}")
      let two = try transaction.createTree(named: "e\u{301}")
      try transaction.put([1], forKey: [1], in: one)
      try transaction.put([2], forKey: [2], in: two)
    }
    let newest = try SuperblockSelection.read(disk).newest
    var damaged = disk.image
    let geometry = PageGeometry(pageBytes: newest.pageBytes)
    damaged.flip(1, at: geometry.offset(ofPage: newest.catalog.number) + 30)
    damaged.flip(1, at: (newest.sequence + 1) % 2 * UInt64(Superblock.bytes) + 50)
    try withStore { copy in
      let report = try Database.salvage(from: SimulatedDisk(damaged), into: copy.database)
      #expect(report.trees.filter(\.isNameLost).isEmpty, "\(report.trees)")
      let view = try copy.database.snapshot()
      for (name, value) in [("\u{e9}", UInt8(1)), ("e\u{301}", 2)] {
        let tree = try #require(try view.tree(named: name))
        #expect(try view.value(forKey: [value], in: tree) == [value])
      }
      view.close()
    }
    try store.checkTwiceAndClose()
  }
}
