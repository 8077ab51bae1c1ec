// SPDX-License-Identifier: Apache-2.0

import DurableMemory
import Foundation
import StorageEngine
import Synchronization
import TestSupport
import Testing

/// Maps that are closed, or let go of, at bad moments.
struct ClosingTests {
  /// Whether `body` ends within half a minute; it goes on for ever where it does not.
  private func ends(_ body: @escaping @Sendable () throws -> Void) throws -> Bool {
    let outcome = Guarded<(any Error)?>(nil)
    let end = DispatchSemaphore(value: 0)
    let thread = Thread {
      do { try body() } catch { outcome.withLock { $0 = error } }
      end.signal()
    }
    thread.start()
    guard end.wait(timeout: .now() + 30) == .success else { return false }
    if let error = outcome.withLock({ $0 }) { throw error }
    return true
  }

  @Test
  func `a map is closed inside a transaction, and can be opened or removed after it (K46)`() throws
  {
    let store = try TestStore()
    let database = store.database
    let map = try DurableMap<Int, Int>(named: "map", in: database)
    try map.set(1, 1)
    let other = Guarded(try? DurableMap<Int, Int>(named: "other", in: database))
    let hasEnded = try ends {
      try database.write { transaction in
        try map.set(2, 2, in: transaction)
        map.close()
        other.withLock { $0 = nil }
      }
    }
    try #require(hasEnded)
    #expect(throws: DurableMapError.closed(map: "map")) { try map.get(1) }
    let again = try DurableMap<Int, Int>(named: "map", in: database)
    #expect(try Set(again.keys()) == [1, 2])
    let hasEndedAgain = try ends { try database.write { _ in again.close() } }
    try #require(hasEndedAgain)
    #expect(try database.removeDurableMap(named: "map"))
    #expect(try database.removeDurableMap(named: "other"))
    try store.checkTwiceAndClose()
  }

  @Test
  func `a map is closed in a closure that decides on a change of another (K46)`() throws {
    let store = try TestStore()
    let database = store.database
    let map = try DurableMap<Int, Int>(named: "map", in: database)
    let other = try DurableMap<Int, Int>(named: "other", in: database)
    try other.set(1, 1)
    let isInside = Atomic<Bool>(false)
    let hasEnded = try ends {
      try runThreads(2) { thread in
        guard thread == 0 else {
          while !isInside.load(ordering: .acquiring) { usleep(100) }
          return try database.write { try map.set(2, 2, in: $0) }
        }
        try map.update(1) { value in
          isInside.store(true, ordering: .releasing)
          // Until the transaction waits for this map, and keeps every other one waiting.
          usleep(100_000)
          other.close()
          value = 5
        }
      }
    }
    try #require(hasEnded)
    #expect(try map.get(1) == 5 && map.get(2) == 2)
    let again = try DurableMap<Int, Int>(named: "other", in: database)
    #expect(try again.get(1) == 1)
    again.close()
    map.close()
    try store.checkTwiceAndClose()
  }

  @Test
  func `a map closed on a full disk is opened again when there is room (K68)`() throws {
    let disk = SimulatedDisk()
    // All of it is in the log only, and the pages take as much again.
    try withStore(on: disk, adjust: { ($0.checkpointBytes, $0.cacheBytes) = (1 << 30, 64 << 20) }) {
      store in
      let map = try DurableMap<Int, [UInt8]>(named: "map", in: store.database)
      for key in 0..<2000 {
        try map.set(key, [UInt8](repeating: 1, count: 5000), durability: .manual)
      }
      try map.flush()
      disk.setCapacity(disk.image.length)
      map.close()
      #expect(throws: DurableMapError.engine(.outOfSpace)) {
        try DurableMap<Int, [UInt8]>(named: "map", in: store.database)
      }
      disk.setCapacity(1 << 40)
      let again = try DurableMap<Int, [UInt8]>(named: "map", in: store.database)
      #expect(again.count == 2000)
      try again.set(2000, [])
      again.close()
      #expect(try store.database.removeDurableMap(named: "map"))
    }
  }

  @Test
  func `memory of maps that were closed or cleared goes back to the system (K82)`() throws {
    try withTemporaryDirectory { directory in
      let writer = try ChildProcess(
        ChildProcess.builtExecutable("map-writer"), ["reopen", directory + "/map.store"])
      let early = try Int(writer.readLine() ?? "") ?? -1
      let late = try Int(writer.readLine() ?? "") ?? .max
      writer.wait()
      #expect(writer.terminationStatus == 0 && early >= 0)
      // Each of the eight rounds between would leave twice eight million bytes.
      #expect(late - early < 40 << 20, "\(early), then \(late)")
    }
  }
}
