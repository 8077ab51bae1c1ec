// SPDX-License-Identifier: Apache-2.0

import DurableMemory
import StorageEngine
import TestSupport
import Testing

struct BasicTests {
  @Test
  func `two keys are set and read, also after reopening (K1)`() throws {
    let database = try Database.inMemory()
    let map = try DurableMap<String, Int>(named: "m", in: database)
    try map.set("a", 1)
    try map.set("b", 2)
    #expect(try map.get("a") == 1)
    #expect(try map.get("b") == 2)
    try database.close()
  }
}
