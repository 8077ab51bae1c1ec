// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

@testable import DurableMemory

/// Entries whose keys are too long for the tree, and the names and numbers of their parts.
struct LongKeyTests {
  /// Two keys that a hash with known constants does not tell apart.
  private let first = LongKeyTests.key(1)
  private let second = LongKeyTests.key(2)

  private static func key(_ number: UInt8) -> [UInt8] {
    [0x2F, 0x64, 0xBD, 0x78, 0x64, 0x1D, 0x76, 0xA0] + [UInt8](repeating: number, count: 8)
      + [UInt8](repeating: 7, count: 1200)
  }

  private func check(
    _ fixture: MapFixture<[UInt8], Int>, _ expected: [[UInt8]: Int]
  ) throws {
    try fixture.reopen()
    var found: [[UInt8]: Int] = [:]
    for key in try fixture.map.keys() { found[key] = try fixture.map.get(key) }
    #expect(found == expected)
    let stored = try fixture.entriesInTree()
    #expect(stored == UInt64(2 * expected.count))
  }

  @Test
  func `long keys that look alike keep their entries when one is removed and set (K49)`() throws {
    try withMap([UInt8].self, Int.self) { fixture in
      try fixture.map.set(first, 1)
      try fixture.map.set(second, 2)
      try fixture.map.unset(first)
      try fixture.map.set(second, 3)
      try check(fixture, [second: 3])
      try fixture.map.set(first, 1)
      try fixture.database.write { transaction in
        try fixture.map.unset(second, in: transaction)
      }
      try check(fixture, [first: 1])
    }
  }

  @Test
  func `long keys that look alike are set together (K88)`() throws {
    try withMap([UInt8].self, Int.self) { fixture in
      var batch = DurableBatch()
      try batch.set(first, 1, in: fixture.map)
      try batch.set(second, 2, in: fixture.map)
      try batch.commit()
      try check(fixture, [first: 1, second: 2])
      try fixture.map.clear()
      let transactions = try [fixture.database.begin(), fixture.database.begin()]
      try fixture.map.set(first, 3, in: transactions[0])
      try fixture.map.set(second, 4, in: transactions[1])
      for transaction in transactions { try transaction.commit() }
      try check(fixture, [first: 3, second: 4])
    }
  }

  @Test
  func `a map whose entry in the catalog was made anew keeps its long keys (K73)`() throws {
    try withMap([UInt8].self, Int.self) { fixture in
      try fixture.map.set(first, 1)
      try fixture.map.set(second, 2)
      fixture.map.close()
      try fixture.database.write { transaction in
        guard let tree = try transaction.tree(named: "memory/catalog") else { return }
        // With another secret.
        let entry = MapEntry(keyType: "bytes", valueType: "int64")
        try transaction.put(entry.stored, forKey: Array("map/map".utf8), in: tree)
      }
      try fixture.openAgain()
      try fixture.map.set(first, 3)
      try check(fixture, [first: 3, second: 2])
      try fixture.database.write { transaction in
        try fixture.map.unset(second, in: transaction)
        try fixture.map.set(first, 4, in: transaction)
      }
      try check(fixture, [first: 4])
    }
  }

  /// From the reference of SipHash: the key 00 01 … 0F, and 00 01 … as the message.
  @Test(
    arguments: [
      (0, 0xA381_7F04_BA25_A8E6, 0x6DF6_7214_C755_0293),
      (1, 0xDA87_C1D8_6B99_AF44, 0x3476_5911_9B22_FC45),
      (8, 0x3B62_A9BA_6258_F561, 0x0F83_E264_F314_97B4),
      (63, 0x5150_D177_2F50_834A, 0x503E_069A_973F_BD7C),
    ] as [(Int, UInt64, UInt64)])
  func `the name of a long key is that of SipHash (K99)`(
    _ count: Int, _ high: UInt64, _ low: UInt64
  ) throws {
    let secret = try #require(LongKeySecret((0..<16).map { UInt8($0) }[...]))
    #expect(secret.stored == (0..<16).map { UInt8($0) })
    let message = (0..<count).map { UInt8($0) }
    #expect(secret.name(of: message.span) == LongKeyName(high: high, low: low))
  }

  @Test
  func `a transaction that outlives a closing of the map keeps its parts to itself (K88)`() throws {
    try withMap(String.self, [UInt8].self) { fixture in
      let large = [UInt8](repeating: 1, count: 100_000)
      let larger = [UInt8](repeating: 2, count: 200_000)
      let transaction = try fixture.database.begin()
      try fixture.map.set("a", large, in: transaction)
      fixture.map.close()
      let again = try DurableMap<String, [UInt8]>(named: "map", in: fixture.database)
      try again.set("b", larger)
      try transaction.commit()
      #expect(try again.get("a") == large && again.get("b") == larger)
      again.close()
      let last = try DurableMap<String, [UInt8]>(named: "map", in: fixture.database)
      #expect(try last.get("a") == large && last.get("b") == larger)
      last.close()
      try fixture.openAgain()
    }
  }

  @Test
  func `a closed map knows no long keys, also where a transaction changes them (K46)`() throws {
    try withMap([UInt8].self, Int.self) { fixture in
      try fixture.map.set(first, 1)
      let transaction = try fixture.database.begin()
      try fixture.map.unset(first, in: transaction)
      // Closed in a transaction, the tree keeps its old owner.
      try fixture.database.write { _ in fixture.map.close() }
      #expect(fixture.map.memory.longKeys.isEmpty && fixture.map.memory.arrivals.isEmpty)
      #expect(throws: DurableMapError.closed(map: "map")) {
        try fixture.map.set(first, 2, in: transaction)
      }
      try transaction.commit()
      try fixture.openAgain()
      #expect(fixture.map.isEmpty)
    }
  }
}
