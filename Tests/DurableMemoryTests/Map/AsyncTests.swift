// SPDX-License-Identifier: Apache-2.0

import DurableMemory
import StorageEngine
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
