// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// Numbers of transactions in a store that was salvaged.
struct SalvageNumberTests {
  @Test(arguments: [true, false])
  func `a transaction in doubt keeps its number, and no later one gets it`(
    _ isCheckpointed: Bool
  ) throws {
    let damaged = try TestStore()
    try damaged.commit([.createTree("main")])
    for number in 0..<20 { try damaged.commit([Workload.put("main", "\(number)", [1])]) }
    let number = try prepare("old", in: damaged.database)
    if isCheckpointed { try damaged.database.checkpoint() }

    let store = try TestStore()
    let report = try Database.salvage(from: SimulatedDisk(damaged.disk.image), into: store.database)
    #expect(report.isComplete)
    // As a crash leaves it, and with either superblock.
    for slot in 0..<2 {
      var image = store.disk.crashed(.loseAll).image
      image.write([UInt8](repeating: 0, count: 4096)[...], at: UInt64(slot) * 4096)
      let copy = try TestStore(opening: SimulatedDisk(image))
      #expect(try copy.database.inDoubtTransactions().map(\.number) == [number])
      try copy.database.close()
    }
    try store.reopen()
    #expect(try store.database.inDoubtTransactions().map(\.number) == [number])
    try store.database.decide(.rollback, on: number)
    for round in 0..<30 {
      let later = try prepare("new \(round)", in: store.database)
      #expect(later > number)
      try store.database.decide(.commit, on: later)
    }
    try store.checkTwiceAndClose()
  }

  private func prepare(_ key: String, in database: Database) throws -> UInt64 {
    let transaction = try database.begin()
    let tree = try #require(try transaction.tree(named: "main"))
    try transaction.put([2], forKey: Array(key.utf8), in: tree)
    let prepared = try transaction.prepare()
    prepared.leaveInDoubt()
    return prepared.number
  }
}
