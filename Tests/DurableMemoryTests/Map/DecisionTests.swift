// SPDX-License-Identifier: Apache-2.0

import DurableMemory
import Glibc
import StorageEngine
import TestSupport
import Testing

/// Changes that depend on what is there, and changes together.
struct DecisionTests {
  private static let threads = 8

  @Test
  func `of eight threads that swap, one wins each round, and counters add up (K89)`() throws {
    let rounds = 200
    try withMap(Int.self, Int.self) { fixture in
      let map = fixture.map
      let winners = SharedList<Int>()
      try runThreads(Self.threads) { thread in
        for round in 0..<rounds {
          let won = try map.compareAndSwap(
            round, expected: nil, new: thread, durability: .manual)
          if won { winners.append(round) }
          try map.update(-1, durability: .manual) { value in
            let seen = value ?? 0
            // Lets others run, who would come in between if they could.
            _ = sched_yield()
            value = seen + 1
          }
          while true {
            let seen = try map.get(-2)
            let isSwapped = try map.compareAndSwap(
              -2, expected: seen, new: (seen ?? 0) + 1, durability: .manual)
            if isSwapped { break }
          }
        }
      }
      #expect(winners.elements.sorted() == Array(0..<rounds))
      #expect(try map.get(-1) == rounds * Self.threads)
      #expect(try map.get(-2) == rounds * Self.threads)
    }
  }

  @Test
  func `eight threads insert a key once, and all see the same value (K90)`() throws {
    try withMap(Int.self, Int.self) { fixture in
      let map = fixture.map
      let made = SharedList<Int>()
      let seen = SharedList<[Int]>()
      try runThreads(Self.threads) { thread in
        for key in 0..<200 {
          let value = try map.getOrInsert(key, durability: .manual) {
            made.append(key)
            return thread
          }
          seen.append([key, value])
        }
      }
      #expect(made.elements.sorted() == Array(0..<200))
      for pair in seen.elements { #expect(try map.get(pair[0]) == pair[1]) }
    }
  }

  @Test
  func `a swap compares with what is there, and with nothing (K89)`() throws {
    try withMap(String.self, String.self) { fixture in
      let map = fixture.map
      let isSwapped = try map.compareAndSwap("k", expected: "a", new: "b")
      #expect(!isSwapped)
      #expect(try map.compareAndSwap("k", expected: nil, new: nil))
      #expect(fixture.map.isEmpty)
      #expect(try map.compareAndSwap("k", expected: nil, new: ""))
      #expect(try !map.compareAndSwap("k", expected: nil, new: "b"))
      #expect(try map.compareAndSwap("k", expected: "", new: "c"))
      #expect(try map.get("k") == "c")
      #expect(try map.compareAndSwap("k", expected: "c", new: nil))
      #expect(try map.get("k") == nil)
    }
  }

  @Test
  func `an update that throws changes nothing, and its error is passed on (K89)`() throws {
    struct Refusal: Error {}
    try withMap(String.self, Int.self) { fixture in
      try fixture.map.set("k", 1)
      #expect(throws: Refusal.self) {
        try fixture.map.update("k") { value in
          value = 2
          throw Refusal()
        }
      }
      #expect(try fixture.map.get("k") == 1)
      #expect(try fixture.map.update("k") { value in value.take() } == 1)
      #expect(try fixture.map.get("k") == nil)
    }
  }

  @Test
  func `a closure that changes its own map is refused, one that reads it is not (K89)`() throws {
    try withMap(String.self, Int.self) { fixture in
      let map = fixture.map
      try map.set("other", 5)
      let refused = DurableMapError.calledFromWithin(map: "map")
      try map.update("k") { value in
        #expect(throws: refused) { try map.set("k", 3) }
        #expect(throws: refused) { try map.clear() }
        #expect(throws: refused) { try map.update("x") { $0 = 1 } }
        #expect(throws: refused) { try map.flush() }
        value = try map.get("other")
        let keys = try map.keys()
        #expect(keys == ["other"])
        #expect(try map.metrics().count == 1)
      }
      #expect(try map.get("k") == 5)
    }
  }
}
