// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// Damage in the middle of a log group that fills several extents.
struct LongGroupDamageTests {
  @Test func `damage to any part of a long group that a later one claims is reported`() throws {
    let store = try TestStore()
    try store.commit([.createTree("main")])
    let value = [UInt8](repeating: 7, count: 60_000)
    try store.commit((0..<60).map { Workload.put("main", "large \($0)", value) })
    try store.commit([Workload.put("main", "later", [1])])
    let image = store.disk.image
    let chunks = image.chunks(ofGroup: 2)
    #expect(chunks.count >= 4)
    // Also two that follow on each other: then nothing names the extent of the next.
    for place in chunks.indices {
      for last in place..<min(place + 2, chunks.count) {
        var damaged = image
        for chunk in chunks[place...last] {
          damaged.flip(1, at: chunk + UInt64(LogChunkHeader.bytes) + 8)
        }
        #expect(throws: EngineError.self) { _ = try TestStore(opening: SimulatedDisk(damaged)) }
      }
    }
    try store.checkTwiceAndClose()
  }

  @Test func `the last group is cut off where none claims it, however long it is`() throws {
    let store = try TestStore()
    try store.commit([.createTree("main")])
    try store.commit([Workload.put("main", "before", [1])])
    let value = [UInt8](repeating: 7, count: 60_000)
    try store.commit((0..<60).map { Workload.put("main", "large \($0)", value) })
    let image = store.disk.image
    for chunk in image.chunks(ofGroup: 3) {
      var damaged = image
      damaged.flip(1, at: chunk + UInt64(LogChunkHeader.bytes) + 8)
      let copy = try TestStore(opening: SimulatedDisk(damaged))
      try copy.database.read { view in
        let tree = try #require(try view.tree(named: "main"))
        #expect(try view.value(forKey: Array("before".utf8), in: tree) == [1])
        #expect(try view.value(forKey: Array("large 0".utf8), in: tree) == nil)
      }
      try copy.checkTwiceAndClose()
    }
    try store.checkTwiceAndClose()
  }
}
