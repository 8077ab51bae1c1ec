// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// A disk that is full leaves a named snapshot whole, or nothing of it.
struct NamedSnapshotFullDiskTests {
  @Test
  func `a snapshot for which there is no room leaves no name behind, however far it came`() throws {
    var failures = 0
    for free in stride(from: 0, through: 96, by: 4) {
      let store = try Self.filledStore()
      let database = store.database
      store.disk.setCapacity(store.disk.image.length)
      let taken = takePages(leaving: free, of: database.pager)
      let failure = Self.failure(in: database)
      #expect(failure == nil || failure == .engine(.outOfSpace))
      failures += failure == nil ? 0 : 1
      #expect(try database.namedSnapshots().count == (failure == nil ? 1 : 0))
      store.disk.setCapacity(1 << 30)
      release(taken, in: database.pager)
      try database.checkpoint()
      try store.reopen()
      #expect(try store.database.namedSnapshots().count == (failure == nil ? 1 : 0))
      try store.checkTwiceAndClose()
    }
    #expect(failures > 0 && failures < 25, "\(failures) failed")
  }

  /// What is left where the second checkpoint, and the commit that takes the name back, find that
  /// others have used what was free.
  @Test(arguments: ["another snapshot", "a checkpoint", "closing"])
  func `a name that could not be taken back is not shown, and goes when there is room`(
    _ occasion: String
  ) throws {
    let store = try Self.filledStore()
    let database = store.database
    #expect(Self.failure(in: database) == nil)
    database.pager.snapshots.markUnwanted(TreeName("state"))
    store.disk.setCapacity(store.disk.image.length)
    let taken = takePages(leaving: 0, of: database.pager)
    #expect(Self.failure(in: database) == .engine(.outOfSpace))
    #expect(try database.namedSnapshots().isEmpty)
    #expect(try database.information().namedSnapshots.isEmpty)
    let error = NamedSnapshotError.notFound("state")
    #expect(throws: error) { _ = try database.snapshot(named: "state") }
    #expect(throws: error) { try database.dropSnapshot(named: "state") }

    store.disk.setCapacity(1 << 30)
    release(taken, in: database.pager)
    switch occasion {
    case "another snapshot": #expect(Self.failure(in: database) == nil)
    case "a checkpoint":
      database.scheduleCheckpoint()
      store.scheduler.runAll()
      #expect(database.pager.snapshots.namedStates.isEmpty)
    default: break
    }
    try store.reopen()
    let expected = occasion == "another snapshot" ? ["state"] : []
    #expect(try store.database.namedSnapshots().map(\.name) == expected)
    try store.checkTwiceAndClose()
  }

  private static func filledStore() throws -> TestStore {
    let store = try TestStore()
    var random = SplitMix64(seed: TestEnvironment.seed)
    try store.commit([.createTree("main")])
    try store.commit(Workload.puts(200, of: 10...500, &random))
    for _ in 0..<2 { try store.database.checkpoint() }
    try store.commit(Workload.puts(20, of: 10...500, &random))
    return store
  }

  private static func failure(in database: Database) -> NamedSnapshotError? {
    do throws(NamedSnapshotError) {
      try database.createSnapshot(named: "state")
      return nil
    } catch {
      return error
    }
  }

  private func release(_ pages: [UInt64], in pager: Pager) {
    pager.structureLock.withLock { pages.forEach { pager.map.release($0) } }
  }

  /// Takes pages as an uncommitted large value does, until so many are left.
  private func takePages(leaving free: Int, of pager: Pager) -> [UInt64] {
    pager.structureLock.withLock {
      var taken: [UInt64] = []
      while pager.map.freePages + pager.map.freeExtents * pager.geometry.pagesPerExtent > free {
        guard let number = pager.map.takePage() else {
          _ = pager.map.takeExtent(for: .pages)
          continue
        }
        pager.map.setDead(number, true)
        taken.append(number)
      }
      return taken
    }
  }
}
