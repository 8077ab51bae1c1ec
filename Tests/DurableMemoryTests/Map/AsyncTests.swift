// SPDX-License-Identifier: Apache-2.0

import DurableMemory
import Foundation
import StorageEngine
import Synchronization
import TestSupport
import Testing

/// Changes by tasks.
struct AsyncTests {
  @Test
  func `tasks change a map without holding up threads, and lose nothing (K93, K95)`() async throws {
    let disk = SimulatedDisk(recordsHistory: true)
    let store = try TestStore(on: disk)
    let map = try DurableMap<Int, Int>(named: "map", in: store.database)
    disk.setFlushDelay(microseconds: 1000)
    let before = disk.mutations
    try await withThrowingTaskGroup(of: Void.self) { group in
      for task in 0..<100 {
        group.addTask {
          try await map.set(task, task)
          try await map.set(-1 - task, 0, durability: .manual)
          try await map.unset(-1 - task, durability: .written)
          var batch = DurableBatch()
          try batch.set(1000 + task, task, in: map)
          try await batch.commit()
        }
      }
      try await group.waitForAll()
    }
    try await map.flush()
    #expect(disk.mutations - before < 300)
    disk.setFlushDelay(microseconds: 0)
    try checkAfterPowerCut(disk)
    map.close()
    await #expect(throws: DurableMapError.closed(map: "map")) { try await map.set(1, 1) }
    await #expect(throws: DurableMapError.closed(map: "map")) { try await map.flush() }
    try store.checkTwiceAndClose()
  }

  @Test
  func `a change of a task does not wait for a transaction that is open (K95)`() async throws {
    let store = try TestStore()
    let database = store.database
    let map = try DurableMap<Int, Int>(named: "map", in: database)
    let writer = BusyWriter()
    Thread.detachNewThread { writer.hold(database) }
    while writer.step < 1 { try await Task.sleep(for: .milliseconds(1)) }
    try await map.set(1, 1)
    try await map.set(2, 2, durability: .written)
    try await map.flush()
    #expect(writer.step == 1)
    writer.end()
    while writer.step < 3 { try await Task.sleep(for: .milliseconds(1)) }
    map.close()
    try store.checkTwiceAndClose()
  }

  @Test
  func `tasks that change much wait for the folding (K76)`() async throws {
    let store = try TestStore()
    let map = try DurableMap<Int, [UInt8]>(named: "map", in: store.database)
    let value = [UInt8](repeating: 1, count: 50_000)
    let before = try store.database.information().checkpointLSN
    for step in 0..<120 { try await map.set(step % 10, value, durability: .written) }
    #expect(store.scheduler.waiting > 0)
    #expect(try store.database.information().checkpointLSN > before)
    map.close()
    try store.checkTwiceAndClose()
  }

  private func checkAfterPowerCut(_ disk: SimulatedDisk) throws {
    let cut = try TestStore(opening: disk.crashed(.loseAll))
    let map = try DurableMap<Int, Int>(named: "map", in: cut.database)
    for task in 0..<100 {
      #expect(try map.get(task) == task)
      #expect(try map.get(1000 + task) == task)
    }
    #expect(map.count == 200)
    map.close()
    try cut.checkTwiceAndClose()
  }
}

/// A transaction that is open until a test ends it, or for half an hour: tasks may have to wait for all
/// other tests, which keep their threads busy.
private final class BusyWriter: Sendable {
  /// 1 inside, 2 when it is to end, 3 after it.
  private let state = Atomic<Int>(0)

  var step: Int { state.load(ordering: .acquiring) }

  func end() {
    _ = state.compareExchange(expected: 1, desired: 2, ordering: .acquiringAndReleasing)
  }

  func hold(_ database: Database) {
    try? database.write { _ in
      state.store(1, ordering: .releasing)
      let end = ContinuousClock.now + .seconds(1800)
      while step == 1, ContinuousClock.now < end { usleep(1000) }
    }
    state.store(3, ordering: .releasing)
  }
}
