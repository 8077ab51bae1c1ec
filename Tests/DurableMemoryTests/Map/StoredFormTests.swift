// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

@testable import DurableMemory

/// The bytes in the store, as docs/DURABLE-MAP.md tells them: others read them too.
struct StoredFormTests {
  private func entries(_ tree: String, _ store: TestStore) throws -> [[UInt8]: [UInt8]] {
    try store.database.checkpoint()
    return try store.database.read { view in
      guard let tree = try view.tree(named: tree) else { throw TestFailure("no tree \(tree)") }
      var entries: [[UInt8]: [UInt8]] = [:]
      let cursor = try view.cursor(in: tree)
      while try cursor.next() { entries[cursor.key] = try cursor.value() }
      return entries
    }
  }

  @Test
  func `entries, their times and the catalog are stored as documented (K99)`() throws {
    let clock = ManualClock()
    try withStore { store in
      let map = try DurableMap<Int16, String>(
        named: "map", in: store.database, options: clock.options())
      try map.set(-2, "ab")
      try map.set(258, "", timeToLive: .milliseconds(24))
      map.close()
      // A million and 24 is 0F 42 58.
      #expect(
        try entries("memory/map/map", store) == [
          [0, 0x7F, 0xFE]: [0, 0x61, 0x62],
          [0, 0x81, 0x02]: [1, 0, 0, 0, 0, 0, 0x0F, 0x42, 0x58],
        ])
      #expect(
        try entries("memory/catalog", store).mapValues { $0.dropLast(16) } == [
          Array("map/map".utf8): [1, 5] + Array("int16".utf8) + [6] + Array("string".utf8)
        ])
    }
  }

  @Test
  func `long keys and values are stored in parts as documented (K99)`() throws {
    try withStore { store in
      let map = try DurableMap<[UInt8], [UInt8]>(named: "map", in: store.database)
      let value = (0..<65_537).map { UInt8(truncatingIfNeeded: $0) }
      let key = [UInt8](repeating: 9, count: 1024)
      try map.set([5], value)
      try map.set(key, [7])
      map.close()
      let entries = try entries("memory/map/map", store)
      let eight: (Int) -> [UInt8] = { number in
        (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
      }
      #expect(entries[[0, 5]] == [2] + eight(1) + eight(0) + eight(65_537))
      #expect(entries[[2] + eight(1) + [0, 0, 0, 0]] == Array(value[..<65_536]))
      #expect(entries[[2] + eight(1) + [0, 0, 0, 1]] == Array(value[65_536...]))
      let heads = entries.filter { $0.key[0] == 1 }
      #expect(heads.count == 1 && heads.first?.key.count == 17)
      let catalog = try #require(try self.entries("memory/catalog", store).first?.value)
      let secret = try #require(LongKeySecret(catalog.suffix(16)))
      #expect(heads.first?.key == secret.name(of: key.span).storedKey)
      #expect(heads.first?.value == [2] + eight(2) + eight(1024) + eight(1))
      #expect(entries[[2] + eight(2) + [0, 0, 0, 0]] == key + [7])
      #expect(entries.count == 5)
    }
  }

  @Test
  func `each map has names of its own for long keys (K99)`() throws {
    try withStore { store in
      for name in ["a", "b"] {
        let map = try DurableMap<[UInt8], Bool>(named: name, in: store.database)
        try map.set([UInt8](repeating: 1, count: 2000), true)
        map.close()
      }
      let heads = try ["a", "b"].map { name in
        try entries("memory/map/\(name)", store).keys.filter { $0[0] == 1 }
      }
      #expect(heads[0].count == 1 && heads[1].count == 1 && heads[0] != heads[1])
    }
  }
}
