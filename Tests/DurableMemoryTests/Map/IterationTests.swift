// SPDX-License-Identifier: Apache-2.0

import DurableMemory
import StorageEngine
import TestSupport
import Testing

/// Going through all entries.
struct IterationTests {
  @Test(arguments: [0, 1, 7, 1000, 20_000])
  func `a snapshot shows each entry once and leaves the map usable (K10, K11)`(_ count: Int) throws
  {
    try withMap(Int.self, String.self) { fixture in
      for number in 0..<count { try fixture.map.set(number, "\(number)", durability: .manual) }
      let view = try fixture.map.snapshot()
      for _ in 0..<2 {
        var seen: Set<Int> = []
        try view.forEach { key, value in
          #expect(value == "\(key)")
          #expect(seen.insert(key).inserted)
          return true
        }
        #expect(seen == Set(0..<count))
      }
      #expect(try view.count() == count)
      #expect(try view.entries().count == count)
      view.close()
      try fixture.map.set(-1, "more")
      #expect(fixture.map.count == count + 1)
    }
  }

  @Test
  func `a visit ends when it is told to, and passes on what is thrown (K11)`() throws {
    struct Enough: Error {}
    try withMap(Int.self, Int.self) { fixture in
      for number in 0..<500 { try fixture.map.set(number, number, durability: .manual) }
      let view = try fixture.map.snapshot()
      var calls = 0
      try view.forEach { _, _ in
        calls += 1
        return calls < 10
      }
      #expect(calls == 10)
      #expect(throws: Enough.self) { try view.forEach { _, _ in throw Enough() } }
    }
  }

  @Test
  func `a snapshot shows one state whatever is changed meanwhile (K83)`() throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    try withMap(Int.self, [UInt8].self) { fixture in
      let map = fixture.map
      var model: [Int: [UInt8]] = [:]
      var views: [(DurableMapSnapshot<Int, [UInt8]>, [Int: [UInt8]])] = []
      for step in 0..<20_000 {
        let key = random.below(4000)
        if random.chance(1, in: 4) {
          try map.unset(key, durability: .manual)
          model[key] = nil
        } else {
          let value = random.bytes(random.below(60))
          try map.set(key, value, durability: .manual)
          model[key] = value
        }
        if step % 1500 == 0 { views.append((try map.snapshot(), model)) }
        if views.count > 4 { views.remove(at: random.below(views.count)).0.close() }
        if step == 15_000 {
          try map.clear()
          model = [:]
        }
      }
      for (view, model) in views {
        let entries = Dictionary(uniqueKeysWithValues: try view.entries().map { ($0, $1) })
        #expect(entries == model, "seed \(TestEnvironment.seed)")
        view.close()
      }
      // With the last snapshot its memory goes.
      #expect(try map.metrics().snapshotCount == 0)
      #expect(try map.metrics().waitingCount == 0)
    }
  }

  /// Every change adds the same amount to two entries, so that their difference never changes.
  @Test
  func `snapshots taken while four threads commit batches show whole batches (K83)`() throws {
    try withMap(Int.self, Int.self) { fixture in
      let map = fixture.map
      for key in 0..<16 { try map.set(key, 0) }
      try runThreads(5) { thread in
        var random = SplitMix64(seed: TestEnvironment.seed &+ UInt64(thread))
        for _ in 0..<(thread == 0 ? 200 : 500) {
          if thread == 0 {
            let values = try map.snapshot().entries()
            let sums = (0..<2).map { part in
              values.reduce(0) { $0 + ($1.key % 2 == part ? $1.value : 0) }
            }
            guard sums[0] == sums[1] else { throw TestFailure("\(sums) of a torn batch") }
          } else {
            // Of its own keys, which nobody else changes.
            let key = thread * 2
            var batch = DurableBatch()
            let value = random.below(1000)
            try batch.set(key, value, in: map)
            try batch.set(key + 1, value, in: map)
            try batch.commit(durability: .manual)
          }
        }
      }
    }
  }
}
