// SPDX-License-Identifier: Apache-2.0

import DurableMemory
import StorageEngine
import TestSupport
import Testing

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
        try entries("memory/catalog", store) == [
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
      #expect(heads.first?.key.suffix(8) == eight(0)[...])
      #expect(heads.first?.value == [2] + eight(2) + eight(1024) + eight(1))
      #expect(entries[[2] + eight(2) + [0, 0, 0, 0]] == key + [7])
      #expect(entries.count == 5)
    }
  }

  /// The digest of a long key names its head for ever, so it must never change.
  @Test
  func `the digest of a long key is what it was (K99)`() throws {
    try withStore { store in
      let map = try DurableMap<[UInt8], Bool>(named: "map", in: store.database)
      try map.set((0..<1500).map { UInt8(truncatingIfNeeded: $0) }, true)
      map.close()
      let heads = try entries("memory/map/map", store).keys.filter { $0[0] == 1 }
      #expect(heads.first?[1...8].reduce(0 as UInt64) { $0 << 8 | UInt64($1) } == Self.digest)
    }
  }

  private static let digest: UInt64 = 0xFBC9_B65A_5EB3_F2F6
}
