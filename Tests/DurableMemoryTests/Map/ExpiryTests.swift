// SPDX-License-Identifier: Apache-2.0

import DurableMemory
import StorageEngine
import TestSupport
import Testing

/// Entries that expire.
struct ExpiryTests {
  @Test
  func `an entry is gone when its time is over, in every way of asking (K91)`() throws {
    let clock = ManualClock()
    try withMap(String.self, Int.self, options: clock.options()) { fixture in
      try fixture.map.set("short", 1, timeToLive: .seconds(10))
      try fixture.map.set("long", 2, timeToLive: .seconds(60))
      try fixture.map.set("ever", 3)
      clock.advance(milliseconds: 9_999)
      #expect(try fixture.map.get("short") == 1)
      #expect(try fixture.map.remainingTime("short") == .milliseconds(1))
      #expect(try fixture.map.remainingTime("ever") == nil)
      let view = try fixture.map.snapshot()
      clock.advance(milliseconds: 1)
      #expect(try Set(view.keys()) == ["short", "long", "ever"])
      view.close()
      for _ in 0..<2 {
        let map = fixture.map
        #expect(try map.get("short") == nil && !map.contains("short"))
        #expect(try map.withValue(for: "short") { $0.count } == nil)
        #expect(try Set(map.keys()) == ["long", "ever"])
        #expect(try map.remainingTime("short") == nil)
        #expect(map.count == 3)
        try fixture.reopen()
      }
      #expect(try !fixture.map.set("short", 7))
      #expect(try fixture.map.get("short") == 7)
    }
  }

  @Test
  func `what has expired stays so when the clock is put back (K91)`() throws {
    let clock = ManualClock()
    try withMap(Int.self, Int.self, options: clock.options()) { fixture in
      let map = fixture.map
      try map.set(1, 1, timeToLive: .seconds(10))
      try map.set(2, 2, timeToLive: .seconds(20))
      clock.advance(milliseconds: 10_000)
      #expect(try map.get(1) == nil && map.get(2) == 2)
      clock.putBack(milliseconds: 5000)
      #expect(try map.get(1) == nil && map.get(2) == 2)
      #expect(try map.keys() == [2])
      #expect(try map.remainingTime(2) == .seconds(10))
      // What is set meanwhile lives as long as it should by that time.
      try map.set(3, 3, timeToLive: .seconds(1))
      #expect(try map.remainingTime(3) == .seconds(1))
      #expect(try map.sweep() == 1)
      clock.advance(milliseconds: 5999)
      #expect(try map.get(3) == 3)
      clock.advance(milliseconds: 1)
      #expect(try map.get(3) == nil)
      #expect(try map.sweep() == 1)
    }
  }

  @Test
  func `a sweep removes what has expired and nothing else (K91)`() throws {
    let clock = ManualClock()
    let options = clock.options(timeToLive: .seconds(5))
    try withMap(Int.self, [UInt8].self, options: options) { fixture in
      let map = fixture.map
      for number in 0..<1000 {
        let bytes = [UInt8](repeating: 1, count: number % 100 == 0 ? 70_000 : 10)
        try map.set(number, bytes, durability: .manual)
      }
      clock.advance(milliseconds: 4000)
      for number in 0..<300 { try map.set(number, [2], durability: .manual) }
      clock.advance(milliseconds: 1000)
      #expect(try map.sweep(limit: 100) == 100)
      #expect(map.count == 900)
      #expect(try map.sweep() == 600)
      #expect(try map.sweep() == 0)
      #expect(map.count == 300)
      #expect(try map.exchange(5, [3]) == [2])
      #expect(try map.remainingTime(5) == .seconds(5))
      try fixture.reopen()
      #expect(fixture.map.count == 300)
    }
  }

  @Test
  func `an entry that is set anew while a sweep is under way stays (K91)`() throws {
    let clock = ManualClock()
    try withMap(Int.self, Int.self, options: clock.options()) { fixture in
      let map = fixture.map
      for key in 0..<10 { try map.set(key, 1, timeToLive: .milliseconds(1)) }
      clock.advance(milliseconds: 1)
      // The sweep asks for the time once for each entry while it looks for those that are over.
      clock.runOnce(atCall: 10) {
        for key in 0..<5 { _ = try? map.set(key, 2) }
      }
      #expect(try map.sweep() == 5)
      #expect(try Set(map.keys()) == Set(0..<5))
      #expect(map.count == 5)
    }
  }

  @Test
  func `decisions take an expired entry for none (K90)`() throws {
    let clock = ManualClock()
    try withMap(String.self, Int.self, options: clock.options()) { fixture in
      let map = fixture.map
      for key in ["a", "b", "c", "d", "e"] { try map.set(key, 1, timeToLive: .milliseconds(1)) }
      clock.advance(milliseconds: 1)
      #expect(try map.getOrInsert("a") { 2 } == 2)
      #expect(try map.compareAndSwap("b", expected: nil, new: 2))
      #expect(try map.exchange("c", 2) == nil)
      #expect(try map.remove("d") == nil)
      try map.update("e") { value in
        #expect(value == nil)
        value = 2
      }
      #expect(try Set(map.keys()) == ["a", "b", "c", "e"])
      #expect(map.count == 4)
    }
  }

  @Test
  func `times that cannot be counted mean never or at once (K53)`() throws {
    let clock = ManualClock()
    try withMap(String.self, Int.self, options: clock.options()) { fixture in
      try fixture.map.set("ever", 1, timeToLive: .seconds(Int64.max))
      try fixture.map.set("never", 1, timeToLive: .seconds(-5))
      #expect(try fixture.map.get("ever") == 1)
      #expect(try fixture.map.get("never") == nil)
    }
  }
}
