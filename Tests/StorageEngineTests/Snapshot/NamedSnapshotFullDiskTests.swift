// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// A disk that is full leaves a named snapshot whole, or nothing of it.
struct NamedSnapshotFullDiskTests {
  @Test
  func `a snapshot for which there is no room leaves no name behind, however far it came`() throws {
    var unwanted = 0
    var failures = 0
    for free in stride(from: 0, through: 96, by: 2) {
      let result = try createSnapshot(withFreePages: free)
      failures += result.hasFailed ? 1 : 0
      unwanted += result.isUnwanted ? 1 : 0
    }
    #expect(failures > 0 && failures < 49, "\(failures) failed")
    #expect(unwanted > 0, "none failed at its second checkpoint without room to be taken back")
  }

  private func createSnapshot(
    withFreePages free: Int
  ) throws -> (hasFailed: Bool, isUnwanted: Bool) {
    let store = try TestStore()
    let database = store.database
    var random = SplitMix64(seed: TestEnvironment.seed)
    try store.commit([.createTree("main")])
    try store.commit(Workload.puts(200, of: 10...500, &random))
    for _ in 0..<2 { try database.checkpoint() }
    try store.commit(Workload.puts(20, of: 10...500, &random))
    store.disk.setCapacity(store.disk.image.length)
    let taken = takePages(leaving: free, of: database.pager)

    var hasFailed = false
    do {
      try database.createSnapshot(named: "state")
    } catch NamedSnapshotError.engine(.outOfSpace) {
      hasFailed = true
    }
    let isUnwanted = database.pager.snapshots.namedStates.contains(where: \.isUnwanted)
    #expect(try database.namedSnapshots().count == (hasFailed ? 0 : 1))
    #expect(try database.information().namedSnapshots.count == (hasFailed ? 0 : 1))
    if hasFailed {
      #expect(throws: NamedSnapshotError.notFound("state")) {
        _ = try database.snapshot(named: "state")
      }
      #expect(throws: NamedSnapshotError.notFound("state")) {
        try database.dropSnapshot(named: "state")
      }
    }
    store.disk.setCapacity(1 << 30)
    database.pager.structureLock.withLock { taken.forEach { database.pager.map.release($0) } }
    if hasFailed, free % 4 == 0 { try database.createSnapshot(named: "state") }
    let expected = hasFailed && free % 4 != 0 ? [] : ["state"]
    try database.checkpoint()
    try store.reopen()
    #expect(try store.database.namedSnapshots().map(\.name) == expected)
    try store.checkAndReopen()
    return (hasFailed, isUnwanted)
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
