// SPDX-License-Identifier: Apache-2.0

import DurableMemory
import StorageEngine
import TestSupport
import Testing

/// Keys and values of any length.
struct LengthTests {
  static let keyLengths = [0, 1, 7, 8, 9, 15, 16, 17, 31, 33, 1022, 1023, 1024, 1025, 5000, 70_000]
  static let valueLengths = [0, 1, 8191, 8192, 65_534, 65_535, 65_536, 65_537, 131_072, 400_000]

  @Test(arguments: keyLengths)
  func `a key of any length has a value, is overwritten and removed (K49)`(_ length: Int) throws {
    var random = SplitMix64(seed: TestEnvironment.seed &+ UInt64(length))
    let key = random.bytes(length)
    try withMap([UInt8].self, [UInt8].self) { fixture in
      for value in [random.bytes(50), random.bytes(90_000), [], random.bytes(70_000)] {
        try fixture.map.set(key, value)
        #expect(try fixture.map.get(key) == value)
        try fixture.map.set(key + [1], [1])
        try fixture.reopen()
        #expect(try fixture.map.get(key) == value)
        #expect(try fixture.map.get(key + [1]) == [1])
        #expect(fixture.map.count == 2)
      }
      #expect(try fixture.map.unset(key))
      try fixture.reopen()
      #expect(try fixture.map.get(key) == nil && fixture.map.count == 1)
    }
  }

  @Test(arguments: valueLengths, valueLengths)
  func `a value of any length takes the place of one of any other (K16)`(
    _ first: Int, _ second: Int
  ) throws {
    var random = SplitMix64(seed: TestEnvironment.seed &+ UInt64(first * 3 + second))
    try withMap(String.self, [UInt8].self) { fixture in
      for length in [first, second, first] {
        let value = random.bytes(length)
        try fixture.map.set("key", value)
        #expect(try fixture.map.get("key") == value)
        try fixture.reopen()
        #expect(try fixture.map.get("key") == value)
      }
      try fixture.map.unset("key")
      // Nothing of the parts is left, also before an opening looks for such.
      let left = try fixture.entriesInTree()
      #expect(left == 0)
    }
  }

  @Test
  func `two values of a million bytes are read back unchanged (K16)`() throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    let values = [random.bytes(1_000_000), random.bytes(1_000_000)]
    for durability in [Durability.synced, .written, .manual, .interval(.milliseconds(1))] {
      try withMap(Int.self, [UInt8].self) { fixture in
        for (key, value) in values.enumerated() {
          try fixture.map.set(key, value, durability: durability)
        }
        try fixture.reopen()
        for (key, value) in values.enumerated() { #expect(try fixture.map.get(key) == value) }
      }
    }
  }

  @Test
  func `lengths beyond the limits are refused and change nothing (K68)`() throws {
    try withMap([UInt8].self, [UInt8].self) { fixture in
      let long = [UInt8](repeating: 0, count: (1 << 24) + 1)
      #expect(throws: DurableMapError.keyTooLong(length: long.count, limit: 1 << 24)) {
        try fixture.map.set(long, [])
      }
      #expect(throws: DurableMapError.keyTooLong(length: long.count, limit: 1 << 24)) {
        try fixture.map.update(long) { $0 = [] }
      }
      let absent = try fixture.map.get(long)
      #expect(absent == nil && fixture.map.isEmpty)
    }
    try withMap(Int.self, TooLong.self) { fixture in
      let map = fixture.map
      let refused = DurableMapError.valueTooLong(length: (1 << 28) + 1, limit: 1 << 28)
      let value = TooLong()
      var batch = DurableBatch()
      #expect(throws: refused) { try map.set(1, value) }
      #expect(throws: refused) { try map.exchange(1, value) }
      #expect(throws: refused) { try map.update(1) { $0 = value } }
      #expect(throws: refused) { try map.getOrInsert(1) { value } }
      #expect(throws: refused) { try map.compareAndSwap(1, expected: nil, new: value) }
      #expect(throws: refused) { try batch.set(1, value, in: map) }
      #expect(throws: refused) {
        try fixture.database.write { try map.set(1, value, in: $0) }
      }
      #expect(map.isEmpty && batch.isEmpty)
    }
  }

  /// A value that says that it has one byte more than any may have.
  private struct TooLong: DurableCodable {
    static let durableType = "TooLong"
    var durableByteCount: Int { (1 << 28) + 1 }

    init() {}
    init(decoding bytes: Span<UInt8>) throws(DurableDecodingError) {}
    func encode(into writer: inout DurableWriter) {}
  }
}

extension MapFixture {
  /// Entries in the tree of the map, after a checkpoint.
  func entriesInTree() throws -> UInt64 {
    try database.checkpoint()
    return try database.read { view in
      guard let tree = try view.tree(named: "memory/map/map") else {
        throw TestFailure("the map has no tree")
      }
      return try view.count(of: tree)
    }
  }
}
