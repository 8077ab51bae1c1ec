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
    try again.checkTwiceAndClose()
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
  func `the last durable state is whole when what came after it is lost`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    var model = Model()
    try store.commit([.createTree("main")], to: &model)
    for round in 0..<4 {
      let changes = (0..<300).map { number in
        Workload.put("main", Workload.key(0, number), [UInt8](repeating: UInt8(round), count: 90))
      }
      try store.commit(changes, to: &model)
    }
    // Each replaces pages of the durable state, which no checkpoint has written.
    for round in 0..<200 {
      try store.commit(
        [Workload.put("main", Workload.key(0, round), [9])], durability: .manual)
    }
    disk.inject(Fault(call: disk.calls, kind: .system(errno: EIO)))
    #expect(throws: EngineError.self) { try store.database.flush() }
    disk.inject(nil)
    try model.verify(try store.database.snapshot())
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

  /// What a store goes through while each of its calls fails once; ends at the first error.
  private func live(_ store: TestStore) throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    for round in 0..<3 {
      try store.commit(Workload.puts(5, of: 10...3000, &random))
      try store.commit([Workload.put("main", "large", random.bytes(300_000))])
      try store.commit(Workload.puts(5, of: 10...100, &random), durability: .written)
      try store.commit(Workload.puts(5, of: 10...100, &random), durability: .manual)
      if round > 0 { try store.database.checkpoint() }
    }
    // Leaves an extent of the log unwritten, which closing then clears.
    let large = (0..<1500).map { Workload.put("main", "last \($0)", random.bytes(3000)) }
    try store.commit(large)
    try store.database.close()
  }

  @Test
  func `after a failed write or flush the disk is not written to again`() throws {
    var operations: Set<StorageError.Operation> = []
    var call = 0
    while true {
      let disk = SimulatedDisk()
      let store = try TestStore(on: disk)
      try store.commit([.createTree("main")])
      disk.inject(Fault(call: disk.calls + call, kind: .system(errno: EIO)))
      do {
        try live(store)
      } catch is EngineError {}
      guard let operation = disk.failedOperation, let failed = disk.failedMutation else {
        if disk.failedOperation == nil { break }
        call += 1
        continue
      }
      operations.insert(operation)
      // Nothing that is tried now, and no closing, reaches the disk.
      #expect(throws: EngineError.self) { try store.commit([.createTree("more")]) }
      #expect(throws: EngineError.self) { try store.database.flush() }
      try? store.database.close()
      #expect(disk.mutations == failed, "\(operation), call \(call)")
      let again = try TestStore(opening: disk.crashed(.keepAll))
      try again.checkTwiceAndClose()
      call += 1
    }
    #expect(operations.isSuperset(of: [.write, .flush, .resize]))
  }

  @Test
  func `what was shown before it was durable is not shown any more`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    var random = SplitMix64(seed: TestEnvironment.seed)
    var durable = Model()
    try store.commit(
      [.createTree("main")] + Workload.puts(300, of: 10...200, &random), to: &durable)
    var shown = durable
    // Enough to replace every page several times: those of the durable state must stay.
    for _ in 0..<10 {
      let changes = Workload.puts(100, of: 10...200, &random)
      try store.commit(changes, durability: .manual)
      shown.apply(changes)
    }
    try shown.verify(try store.database.snapshot())
    disk.inject(Fault(call: disk.calls, kind: .system(errno: EIO)))
    #expect(throws: EngineError.self) { try store.database.flush() }
    try durable.verify(try store.database.snapshot())
    let again = try TestStore(opening: disk.crashed(.keepAll))
    try again.checkTwiceAndClose()
  }
}
