// SPDX-License-Identifier: Apache-2.0

import DurableMemory
import StorageEngine
import TestSupport
import Testing

/// Disks that are full, and disks that fail.
struct MapFullDiskTests {
  @Test(arguments: [0, 1, 5, 40])
  func `a full disk refuses a set, which nobody ever sees, and the map goes on (K68, K69, K70)`(
    _ megabytes: Int
  ) throws {
    let disk = SimulatedDisk()
    var random = SplitMix64(seed: TestEnvironment.seed &+ UInt64(megabytes))
    try withMap(Int.self, [UInt8].self, on: disk) { fixture in
      let map = fixture.map
      var model: [Int: [UInt8]] = [:]
      for key in 0..<50 {
        model[key] = random.bytes(200)
        try map.set(key, model[key] ?? [])
      }
      disk.setCapacity(disk.image.length + UInt64(megabytes << 20))
      var refused = 0
      for step in 0..<4000 where refused < 5 {
        let key = random.below(3000)
        let value = random.bytes(random.chance(1, in: 10) ? 100_000 : 2000)
        do {
          try map.set(key, value, durability: .manual)
          model[key] = value
        } catch DurableMapError.engine(.outOfSpace) {
          refused += 1
        }
        guard try map.get(key) == model[key] else {
          throw TestFailure("step \(step): \(key) is not what was accepted")
        }
      }
      #expect(refused == 5)
      #expect(map.count == model.count)
      for (key, value) in model { #expect(try map.get(key) == value) }
      // Deleting makes room, or at least breaks nothing.
      for key in model.keys.prefix(10) {
        do {
          try map.unset(key)
          model[key] = nil
        } catch DurableMapError.engine(.outOfSpace) {}
      }
      disk.setCapacity(1 << 40)
      try map.set(-1, random.bytes(300_000))
      try map.compact()
      #expect(map.count == model.count + 1)
      try fixture.reopen()
      for (key, value) in model { #expect(try fixture.map.get(key) == value) }
    }
  }

  @Test
  func `a batch for which there is no room changes nothing (K68, K88)`() throws {
    let disk = SimulatedDisk()
    try withMap(Int.self, [UInt8].self, on: disk) { fixture in
      let map = fixture.map
      try map.set(1, [1])
      disk.setCapacity(disk.image.length)
      var batch = DurableBatch()
      try batch.set(1, [2], in: map)
      for key in 2..<50 { try batch.set(key, [UInt8](repeating: 0, count: 300_000), in: map) }
      #expect(throws: DurableMapError.engine(.outOfSpace)) { try batch.commit() }
      #expect(try map.get(1) == [1] && map.count == 1)
      disk.setCapacity(1 << 40)
      try batch.commit()
      #expect(try map.get(1) == [2] && map.count == 49)
    }
  }

  /// Each call to the disk fails once, as a broken disk would.
  @Test(arguments: 0..<12)
  func
    `a disk that fails is told to all who change the map, and loses nothing acknowledged (K71, K72)`(
      _ call: Int
    ) throws
  {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    let map = try DurableMap<Int, Int>(named: "map", in: store.database)
    var acknowledged = 0
    disk.inject(Fault(call: disk.calls + call, kind: .system(errno: 5), lasts: true))
    var failure: DurableMapError?
    for key in 0..<40 where failure == nil {
      do throws(DurableMapError) {
        try map.set(key, key)
        acknowledged += 1
        if key % 10 == 9 { try map.compact() }
      } catch {
        failure = error
      }
    }
    #expect(failure != nil)
    #expect(throws: DurableMapError.self) { try map.set(1000, 1) }
    #expect(try map.get(1000) == nil)
    for key in 0..<acknowledged { #expect(try map.get(key) == key) }
    map.close()
    map.close()
    try? store.database.close()
    disk.inject(nil)
    let again = try TestStore(opening: disk.reopened())
    let reopened = try DurableMap<Int, Int>(named: "map", in: again.database)
    for key in 0..<acknowledged { #expect(try reopened.get(key) == key) }
    #expect((acknowledged...acknowledged + 1).contains(reopened.count))
    reopened.close()
    try again.checkTwiceAndClose()
  }

  @Test
  func `a checkpoint that fails leaves the log and the map (K69, K72)`() throws {
    let disk = SimulatedDisk()
    // All of it is in the log only, and the pages take as much again.
    try withMap(
      Int.self, [UInt8].self, on: disk,
      adjust: { ($0.checkpointBytes, $0.cacheBytes) = (1 << 30, 64 << 20) }
    ) { fixture in
      let map = fixture.map
      for key in 0..<2000 {
        try map.set(key, [UInt8](repeating: 1, count: 5000), durability: .manual)
      }
      try map.flush()
      disk.setCapacity(disk.image.length)
      #expect(throws: DurableMapError.engine(.outOfSpace)) { try map.compact() }
      #expect(map.count == 2000)
      #expect(try map.get(1999)?.count == 5000)
      map.close()
      disk.setCapacity(1 << 40)
      try fixture.openAgain()
      try fixture.map.set(2000, [])
      #expect(fixture.map.count == 2001)
    }
  }

  @Test
  func `a transaction in which a set found no room is committed without harm (K68, K88)`() throws {
    let disk = SimulatedDisk()
    try withMap(
      Int.self, [UInt8].self, on: disk, adjust: { $0.transactionMemoryBytes = 100_000 }
    ) { fixture in
      let values = [400_000, 600_000].map { [UInt8](repeating: UInt8($0 / 100_000), count: $0) }
      try fixture.map.set(1, values[0])
      try fixture.database.checkpoint()
      let transaction = try fixture.database.begin()
      disk.setCapacity(0)
      var refused = 0
      do throws(DurableMapError) {
        try fixture.map.set(1, values[1], in: transaction)
      } catch {
        #expect(error == .engine(.outOfSpace))
        refused += 1
      }
      #expect(refused == 1)
      disk.setCapacity(1 << 40)
      try transaction.commit()
      #expect(try fixture.map.get(1) == values[0])
      try fixture.reopen()
      #expect(try fixture.map.get(1) == values[0])
    }
  }

  @Test
  func `a map with parts to remove is opened on a full disk (K68)`() throws {
    let disk = SimulatedDisk()
    try withMap(Int.self, [UInt8].self, on: disk) { fixture in
      try fixture.database.write { transaction in
        for length in [3_000_000, 70_000] {
          try fixture.map.set(1, [UInt8](repeating: 1, count: length), in: transaction)
        }
      }
      fixture.map.close()
      disk.setCapacity(0)
      try fixture.openAgain()
      #expect(try fixture.map.get(1)?.count == 70_000)
      disk.setCapacity(1 << 40)
      try fixture.reopen()
      // A head and two parts.
      let left = try fixture.entriesInTree()
      #expect(left == 3)
    }
  }

  /// The first try finds the entry, and no room; when the second is made, the entry has expired.
  @Test
  func `a change that is tried again returns what it found the second time (K68)`() throws {
    let disk = SimulatedDisk()
    let clock = ManualClock()
    try withMap(
      Int.self, [UInt8].self, on: disk, options: clock.options(),
      adjust: { $0.checkpointBytes = 1 << 30 }
    ) { fixture in
      let map = fixture.map
      let value = [UInt8](repeating: 1, count: 2000)
      try map.set(1, value, timeToLive: .seconds(10))
      disk.setCapacity(disk.image.length + 1 << 20)
      let hasExpired = Guarded(false)
      var wrong = 0
      for _ in 0..<10_000 {
        if hasExpired.withLock({ $0 }) { break }
        // Asked for the new entry, by the first look, and by a second one.
        clock.runOnce(atCall: 3) {
          hasExpired.withLock { $0 = true }
          clock.advance(milliseconds: 10_000)
          disk.setCapacity(1 << 40)
        }
        do {
          let old = try map.exchange(
            1, value, timeToLive: .seconds(10), durability: .manual)
          if (old == nil) != hasExpired.withLock({ $0 }) { wrong += 1 }
        } catch DurableMapError.engine(.outOfSpace) {
          // There was no room for the checkpoint either.
          disk.setCapacity(disk.image.length + 1 << 20)
        }
      }
      let isTriedAgain = hasExpired.withLock { $0 }
      #expect(isTriedAgain && wrong == 0)
      disk.setCapacity(1 << 40)
    }
  }
}
