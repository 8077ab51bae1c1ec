// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

@testable import StorageEngine

/// Checkpoints that cannot even be planned, because there is no room for their own pages.
struct CheckpointFailureTests {
  private struct Rollback: Error {}

  /// A store with a catalog of many pages, none of them free: `body` runs while a transaction has
  /// taken what was there, and that transaction is rolled back.
  private func withoutFreePages(
    _ store: TestStore, _ model: inout Model, _ body: () throws -> Void
  ) throws {
    let long = String(repeating: "x", count: 240)
    let trees = (0..<300).map { Change.createTree("\($0) \(long)") }
    try store.commit([.createTree("main")] + trees, to: &model)
    try store.database.checkpoint()
    try store.commit([Workload.put("main", "k", [1])], to: &model)
    store.disk.setCapacity(store.disk.image.length)
    do {
      try store.database.write { transaction in
        let tree = try #require(try transaction.tree(named: "main"))
        do {
          for number in 0..<1000 {
            let key = Array("\(number)".utf8)
            try transaction.put([UInt8](repeating: 1, count: 66_000), forKey: key, in: tree)
          }
        } catch EngineError.outOfSpace {}
        try body()
        throw Rollback()
      }
    } catch is Rollback {}
  }

  @Test
  func `a checkpoint without room for its plan leaves everything as it was`() throws {
    let store = try TestStore()
    var model = Model()
    try withoutFreePages(store, &model) {
      let pager = store.database.pager
      let before = (pager.map.freePages, pager.heldByCheckpoints.count, store.disk.mutations)
      for _ in 0..<3 {
        #expect(throws: EngineError.outOfSpace) { try store.database.checkpoint() }
      }
      #expect(pager.map.freePages == before.0)
      #expect(pager.heldByCheckpoints.count == before.1)
      #expect(pager.snapshots.current().lsns.isEmpty)
      // Growth was tried, and nothing was written.
      #expect(store.disk.flushes > 0 && store.disk.violations.isEmpty)
    }
    // Still full, but what the transaction held is free again.
    try store.database.checkpoint()
    try store.commit([Workload.put("main", "k", [2])], to: &model)
    try model.verify(try store.database.snapshot())
    store.disk.setCapacity(1 << 30)
    try store.check()
    try store.reopen()
    try model.verify(try store.database.snapshot())
    try store.checkTwiceAndClose()
  }

  @Test
  func `a disk that fails while a checkpoint is planned ends the writing`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    var model = Model()
    try withoutFreePages(store, &model) {
      disk.setCapacity(1 << 30)
      disk.inject(Fault(call: disk.calls, kind: .system(errno: EIO)))
      let error = #expect(throws: EngineError.self) { try store.database.checkpoint() }
      guard case .storage(let failure)? = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(failure.operation == .resize)
    }
    let error = #expect(throws: EngineError.self) { try store.commit([.createTree("more")]) }
    guard case .poisoned? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    try model.verify(try store.database.snapshot())
    for variant in [CrashVariant.loseAll, .keepAll] {
      let again = try TestStore(opening: disk.crashed(variant))
      try model.verify(try again.database.snapshot())
      try again.checkTwiceAndClose()
    }
  }
}
