// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import DurableMemory

/// Hashes of keys, and what becomes of the table where they do not spread.
struct HashTests {
  /// Numbers behind eight bytes that hashes of this kind combine with the first factor.
  private static let prefixes: [UInt64] = [
    0, .max, 0xA076_1D64_78BD_642F, 0xE703_7ED1_A0B4_28DB, 0x9E37_79B9_7F4A_7C15,
  ]

  @Test(arguments: prefixes)
  func `keys of sixteen bytes and more with one beginning have hashes of their own`(
    _ prefix: UInt64
  ) {
    var random = SplitMix64(seed: TestEnvironment.seed)
    for tail in [0, 9, 300] {
      for _ in 0..<5 {
        let hasher = KeyHash(seed: random.next())
        var hashes: Set<UInt64> = []
        for number in 0..<1000 as Range<UInt64> {
          let key =
            littleEndianBytes(prefix) + littleEndianBytes(number)
            + [UInt8](repeating: 1, count: tail)
          hashes.insert(unsafe key.withUnsafeBytes { unsafe hasher($0.baseAddress!, $0.count) })
        }
        #expect(hashes.count == 1000)
      }
    }
  }

  @Test
  func `keys with one hash fill tables that are not divided without end`() {
    // Chosen so that the first factor of these keys is zero, and that of the second step one.
    let memory = MapMemory(
      hasher: KeyHash(seed: 0, first: 17, second: 1), expected: 0, clock: { 0 })
    let value = [UInt8](repeating: 0, count: 2)
    let keys = 56_000
    memory.lock.withLock {
      for number in 0..<UInt64(keys) {
        let key = [0] + littleEndianBytes(17) + littleEndianBytes(number)
        let (keySpan, valueSpan) = (key.span, value.span)
        let hash = memory.hash(keySpan.extracting(1..<17))
        // Without a look for the key, which would go through all of them.
        memory.publish(
          memory.makeEntry(key: keySpan, value: valueSpan), hash, replacing: .none)
      }
    }
    #expect(memory.directory.depth == 0)
    #expect(memory.directory[0].capacity > 1 << 16)
    for number in [0, 1, UInt64(keys) - 1] { #expect(has(number, memory)) }
    #expect(!has(UInt64(keys), memory))
    memory.lock.withLock { memory.removeAll() }
    #expect(!has(0, memory))
  }

  @Test(arguments: [8, 8191, 8192, 65_535, 65_536, 1_000_000])
  func `a table has at least as many slots as were asked for, and is not much larger`(
    _ capacity: Int
  ) {
    let table = SlotTable(capacity: capacity, depth: 3, generation: 1)
    defer { table.deallocate() }
    #expect(table.capacity >= capacity && table.capacity < capacity + capacity / 64 + 1)
    #expect(table.depth == 3 && table.count == 0 && table[table.capacity - 1] == .empty)
  }

  private func has(_ number: UInt64, _ memory: MapMemory) -> Bool {
    let key = littleEndianBytes(17) + littleEndianBytes(number)
    let found = memory.find(key.span)
    defer { memory.leave(found.line) }
    return found.exists
  }
}
