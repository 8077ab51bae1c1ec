// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

@testable import StorageEngine

/// After a failure of the disk nothing is written any more that might build on what was lost.
struct PoisonTests {
  /// A reopened store, so that no page of its tree is in memory, whose next read fails.
  private func withUnreadableStore(_ body: (TestStore) throws -> Void) throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    try store.commit(
      [.createTree("main")] + (0..<500).map { Workload.put("main", Workload.key(0, $0), [1]) })
    try store.reopen()
    disk.inject(Fault(call: disk.calls, kind: .system(errno: EIO)))
    try body(store)
    disk.inject(nil)
    let again = try TestStore(opening: disk.crashed(.keepAll))
    let view = try again.database.snapshot()
    let tree = try #require(try view.tree(named: "main"))
    #expect(try view.value(forKey: Array("half".utf8), in: tree) == nil)
    #expect(try view.count(of: tree) == 500)
    view.close()
    try again.checkAndReopen()
  }

  @Test
  func `a transaction that cannot be applied is never written, whoever leads next`() throws {
    try withUnreadableStore { store in
      let error = #expect(throws: EngineError.self) {
        try store.commit([Workload.put("main", "half", [2])])
      }
      guard case .storage? = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      // Its bytes are in the open group: a leader that was chosen before it failed comes now.
      #expect(store.database.state.open.count > 0)
      let mutations = store.disk.mutations
      for flushing in [true, false] {
        #expect(throws: EngineError.self) { _ = try store.database.lead(flushing: flushing) }
      }
      #expect(throws: EngineError.self) { try store.database.flush() }
      #expect(throws: EngineError.self) { try store.database.checkpoint() }
      #expect(throws: EngineError.self) { try store.commit([Workload.put("main", "more", [2])]) }
      #expect(throws: EngineError.self) { try store.database.close() }
      #expect(store.disk.mutations == mutations)
    }
  }

  @Test
  func `a commit that waits for a transaction's group does not return when that fails`() throws {
    try withUnreadableStore { store in
      #expect(throws: EngineError.self) {
        try store.commit([Workload.put("main", "half", [2])], durability: .manual)
      }
      #expect(throws: EngineError.self) { try store.database.settle(UInt64.max / 4, .synced) }
      let view = try store.database.snapshot()
      #expect(try view.tree(named: "main") != nil)
      view.close()
    }
  }
}
