// SPDX-License-Identifier: Apache-2.0

import Glibc
import StorageEngine
import TestSupport
import Testing

/// Commits whose durability is waited for later.
struct PendingCommitTests {
  private func put(_ store: TestStore, _ number: Int) throws -> PendingCommit {
    try store.database.writeWithoutWaiting { transaction in
      try Workload.put("main", "\(number)", [1]).apply(to: transaction)
    }.commit
  }

  private func durableCount(_ disk: SimulatedDisk) throws -> UInt64 {
    let store = try TestStore(opening: disk.crashed(.loseAll))
    defer { try? store.database.close() }
    return try visibleCount(store)
  }

  private func visibleCount(_ store: TestStore) throws -> UInt64 {
    let view = try store.database.snapshot()
    defer { view.close() }
    return try view.count(of: try #require(try view.tree(named: "main")))
  }

  @Test func `nothing is written, nor shown, before someone waits, and one flush serves all`()
    throws
  {
    let disk = SimulatedDisk()
    try withStore(on: disk) { store in
      try store.commit([.createTree("main")])
      let (mutations, flushes) = (disk.mutations, disk.flushes)
      let commits = try (0..<20).map { try put(store, $0) }
      #expect(disk.mutations == mutations)
      #expect(try visibleCount(store) == 0)
      try commits[19].wait()
      #expect(disk.flushes == flushes + 1)
      #expect(try visibleCount(store) == 20)
      #expect(try durableCount(disk) == 20)
      for commit in commits { try commit.wait() }
      #expect(disk.flushes == flushes + 1)
    }
  }

  @Test func `the next transaction builds on what is not durable yet`() throws {
    try withStore { store in
      try store.commit([.createTree("main")])
      let commit = try put(store, 1)
      try store.database.write { transaction in
        let tree = try #require(try transaction.tree(named: "main"))
        #expect(try transaction.value(forKey: Array("1".utf8), in: tree) == [1])
        try transaction.delete(Array("1".utf8), in: tree)
      }
      try commit.wait()
      #expect(try visibleCount(store) == 0)
    }
  }

  @Test func `a body that throws leaves nothing to wait for`() throws {
    try withStore { store in
      try store.commit([.createTree("main")])
      #expect(throws: TestFailure.self) {
        try store.database.writeWithoutWaiting { transaction in
          try Workload.put("main", "x", [1]).apply(to: transaction)
          throw TestFailure("no")
        }
      }
      try store.database.flush()
      #expect(try visibleCount(store) == 0)
    }
  }

  @Test func `a closed store has made its commits durable`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    try store.commit([.createTree("main")])
    let commit = try put(store, 1)
    try store.database.close()
    try commit.wait()
    #expect(try durableCount(disk) == 1)
  }

  @Test func `a commit whose flush fails is not acknowledged`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    try store.commit([.createTree("main")])
    let commits = try (0..<3).map { try put(store, $0) }
    disk.inject(Fault(call: disk.calls, kind: .system(errno: EIO), lasts: true))
    for commit in commits {
      #expect(throws: EngineError.self) { try commit.wait() }
    }
    #expect(throws: EngineError.self) { try put(store, 4) }
  }
}
