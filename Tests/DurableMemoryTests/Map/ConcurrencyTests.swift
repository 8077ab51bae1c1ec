// SPDX-License-Identifier: Apache-2.0

import DurableMemory
import StorageEngine
import Synchronization
import TestSupport
import Testing

/// Many threads at once.
struct ConcurrencyTests {
  private static let threads = 8

  private func checkSameKeys<Key: DurableCodable>(_ key: @escaping @Sendable (Int) -> Key) throws {
    try withMap(Key.self, [UInt8].self) { fixture in
      let map = fixture.map
      try runThreads(Self.threads) { thread in
        for number in 0..<250 {
          let value = [UInt8](repeating: UInt8(thread), count: 32 + thread)
          try map.set(key(number), value, durability: .manual)
        }
      }
      #expect(map.count == 250)
      for number in 0..<250 {
        let value = try map.get(key(number)) ?? []
        #expect(value.count == 32 + Int(value.first ?? 99) && Set(value).count == 1)
      }
    }
  }

  @Test
  func `eight threads write the same keys, and each keeps one whole value (K17)`() throws {
    try checkSameKeys { "key \($0)" }
    try checkSameKeys { $0 }
    try checkSameKeys { [UInt8](repeating: UInt8($0), count: 10_000) }
  }

  @Test
  func `eight threads read a hundred keys and always get the right value (K18)`() throws {
    let reads = TestEnvironment.count("RECORD_STORE_MAP_READS", quick: 25_000)
    try withMap(UInt64.self, UInt64.self) { fixture in
      let map = fixture.map
      for key in 0..<100 as Range<UInt64> { try map.set(key, ~key, durability: .manual) }
      try runThreads(Self.threads) { thread in
        var random = SplitMix64(seed: TestEnvironment.seed &+ UInt64(thread))
        for _ in 0..<reads {
          let key = random.next() % 100
          let value = try map.get(key)
          guard value == ~key else { throw TestFailure("\(key) has \(value ?? 0)") }
        }
      }
    }
  }

  @Test
  func `threads write fresh keys with many reads and checkpoints, over several openings (K19)`()
    throws
  {
    let writes = TestEnvironment.count("RECORD_STORE_MAP_WRITES", quick: 1000)
    try withMap(Int.self, [UInt8].self, adjust: { $0.checkpointBytes = 1 << 16 }) { fixture in
      for round in 0..<3 {
        let map = fixture.map
        let scheduler = fixture.store.scheduler
        try runThreads(Self.threads) { thread in
          var random = SplitMix64(seed: TestEnvironment.seed &+ UInt64(thread))
          for step in 0..<writes {
            let key = (round * Self.threads + thread) * writes + step
            try map.set(key, Array("\(key)".utf8), durability: .manual)
            for _ in 0..<100 {
              let other = key - random.below(step + 1)
              guard try map.get(other) == Array("\(other)".utf8) else {
                throw TestFailure("\(other) is not what it was set to")
              }
            }
            if thread == 0, step % 100 == 0 { scheduler.runAll() }
          }
        }
        try fixture.reopen()
        #expect(fixture.map.count == (round + 1) * Self.threads * writes)
      }
      for key in 0..<3 * Self.threads * writes {
        guard try fixture.map.get(key) == Array("\(key)".utf8) else {
          throw TestFailure("\(key) is gone")
        }
      }
    }
  }

  /// Readers, writers, snapshots, batches and sizes that change all the time: no value is ever torn,
  /// older than one that was seen, or of another key.
  @Test
  func `readers beside writers see whole values, and none twice in the wrong order (K83)`() throws {
    let steps = TestEnvironment.count("RECORD_STORE_MAP_STEPS", quick: 3000)
    try withMap(UInt64.self, [UInt8].self) { fixture in
      let map = fixture.map
      let isDone = Atomic<Int>(0)
      try runThreads(6) { thread in
        var random = SplitMix64(seed: TestEnvironment.seed &+ UInt64(thread))
        if thread < 3 {
          defer { isDone.add(1, ordering: .releasing) }
          for step in 1...steps {
            let key = UInt64(random.below(100) * 3 + thread)
            if random.chance(1, in: 5) {
              try map.unset(key, durability: .manual)
            } else {
              try map.set(key, Pattern.make(key, step, &random), durability: .manual)
            }
          }
        } else {
          var seen: [UInt64: Int] = [:]
          while isDone.load(ordering: .acquiring) < 3 {
            let key = UInt64(random.below(300))
            let step = try map.withValue(for: key) { Pattern.check($0, key) } ?? 0
            guard let step, step == 0 || step >= seen[key, default: 0] else {
              throw TestFailure("seed \(TestEnvironment.seed): a torn or old value of \(key)")
            }
            if step > 0 { seen[key] = step }
            if random.chance(1, in: 200) { try Pattern.checkAll(map) }
          }
        }
      }
    }
  }

  @Test
  func `a reader that stays inside is shown what it came for, whatever is changed (K83)`() throws {
    try withMap(Int.self, [UInt8].self) { fixture in
      let map = fixture.map
      for key in 0..<200 { try map.set(key, [UInt8](repeating: 1, count: 500)) }
      func nest(_ depth: Int) throws {
        guard depth < 90 else {
          for key in 0..<200 {
            try map.set(key, [UInt8](repeating: 2, count: 500), durability: .manual)
          }
          for key in 0..<200 { try map.unset(key, durability: .manual) }
          for key in 0..<2000 {
            try map.set(key, [UInt8](repeating: 3, count: 500), durability: .manual)
          }
          return
        }
        var failure: (any Error)?
        let isWhole = try map.withValue(for: depth) { bytes in
          do { try nest(depth + 1) } catch { failure = error }
          return bytes.indices.allSatisfy { bytes[$0] == 1 }
        }
        if let failure { throw failure }
        #expect(isWhole == true)
      }
      // Deeper than there are places for readers.
      try nest(0)
      for key in 0..<200 { try map.set(key, [], durability: .manual) }
      #expect(try map.metrics().waitingCount < 200)
    }
  }

  @Test
  func `compaction and snapshots that are asked for work while others write (K96)`() throws {
    try withMap(Int.self, [UInt8].self) { fixture in
      let map = fixture.map
      let isDone = Atomic<Int>(0)
      try runThreads(5) { thread in
        if thread < 4 {
          defer { isDone.add(1, ordering: .releasing) }
          for step in 0..<2000 {
            let bytes = [UInt8](repeating: UInt8(thread), count: step % 200)
            try map.set(thread << 20 | step % 500, bytes, durability: .manual)
          }
        } else {
          var seen: Set<Int> = []
          repeat {
            try map.compact()
            let keys = try map.keys()
            let now = Set(keys)
            // Nothing is removed, and writers use 500 keys each.
            guard now.count == keys.count, now.isSuperset(of: seen),
              now.allSatisfy({ $0 >> 20 < 4 && $0 & 0xFFFFF < 500 })
            else { throw TestFailure("\(keys.count) keys after \(seen.count)") }
            seen = now
          } while isDone.load(ordering: .acquiring) < 4
        }
      }
      #expect(map.count == 2000)
    }
  }
}

/// Values that tell whether they are whole: key, step, and bytes that follow from both.
enum Pattern {
  static func make(_ key: UInt64, _ step: Int, _ random: inout SplitMix64) -> [UInt8] {
    let count = random.chance(1, in: 50) ? 9000 + random.below(100_000) : random.below(300)
    var bytes = [UInt8](repeating: fill(key, step), count: 16 + count)
    for index in 0..<8 {
      bytes[index] = UInt8(truncatingIfNeeded: key >> UInt64(8 * index))
      bytes[8 + index] = UInt8(truncatingIfNeeded: step >> (8 * index))
    }
    return bytes
  }

  /// The step of a whole value of that key; `nil` for any other bytes.
  static func check(_ bytes: Span<UInt8>, _ key: UInt64) -> Int? {
    guard bytes.count >= 16 else { return nil }
    var (found, step): (UInt64, Int) = (0, 0)
    for index in 0..<8 {
      found |= UInt64(bytes[index]) << UInt64(8 * index)
      step |= Int(bytes[8 + index]) << (8 * index)
    }
    guard found == key else { return nil }
    for index in 16..<bytes.count where bytes[index] != fill(key, step) { return nil }
    return step
  }

  static func checkAll(_ map: DurableMap<UInt64, [UInt8]>) throws {
    let view = try map.snapshot()
    defer { view.close() }
    try view.forEach { key, value in
      guard check(value.span, key) != nil else { throw TestFailure("a torn value of \(key)") }
      return true
    }
  }

  private static func fill(_ key: UInt64, _ step: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: key &* 31 &+ UInt64(step) &* 7)
  }
}
