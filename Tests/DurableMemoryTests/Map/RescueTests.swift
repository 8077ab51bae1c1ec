// SPDX-License-Identifier: Apache-2.0

import DurableMemory
import StorageEngine
import TestSupport
import Testing

/// Stores that do not open any more.
struct RescueTests {
  @Test
  func `a damaged store is verified, and its maps are rescued into a new one (K73)`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    let map = try DurableMap<Int, [UInt8]>(named: "map", in: store.database)
    for key in 0..<2000 { try map.set(key, [UInt8](repeating: UInt8(key % 251), count: 60)) }
    try map.set(-1, [UInt8](repeating: 3, count: 300_000))
    let before = try map.contents()
    map.close()
    try store.database.close()
    var image = store.disk.image
    // Neither of the two superblocks is readable.
    image.write([UInt8](repeating: 0xAA, count: 16_384)[...], at: 0)
    #expect(throws: EngineError.self) { try TestStore(opening: SimulatedDisk(image)) }
    try withStore { rescued in
      _ = try Database.salvage(from: SimulatedDisk(image), into: rescued.database)
      let again = try DurableMap<Int, [UInt8]>(named: "map", in: rescued.database)
      #expect(try again.contents() == before)
      again.close()
    }
  }
}
