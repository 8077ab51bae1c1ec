// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import TestSupport
import Testing

struct HybridClockTests {
  @Test func `stamps follow the physical clock while it advances`() throws {
    var clock = HybridClock()
    #expect(try clock.next(now: 1000) == HybridTimestamp(milliseconds: 1000, counter: 0))
    #expect(try clock.next(now: 1001) == HybridTimestamp(milliseconds: 1001, counter: 0))
  }

  @Test func `stamps go on counting while the physical clock stands still or goes back`() throws {
    var clock = HybridClock()
    _ = try clock.next(now: 1000)
    #expect(try clock.next(now: 1000) == HybridTimestamp(milliseconds: 1000, counter: 1))
    #expect(try clock.next(now: 3) == HybridTimestamp(milliseconds: 1000, counter: 2))
  }

  @Test func `a full counter borrows the next millisecond`() throws {
    var clock = HybridClock(last: HybridTimestamp(milliseconds: 1000, counter: .max))
    #expect(try clock.next(now: 1000) == HybridTimestamp(milliseconds: 1001, counter: 0))
    #expect(try clock.next(now: 1001) == HybridTimestamp(milliseconds: 1001, counter: 1))
  }

  @Test func `a stamp is above everything observed`() throws {
    var clock = HybridClock()
    let seen = HybridTimestamp(milliseconds: 5000, counter: 9)
    clock.observe(seen)
    clock.observe(HybridTimestamp(milliseconds: 10, counter: 0))
    #expect(try clock.next(now: 1000) == HybridTimestamp(milliseconds: 5000, counter: 10))
  }

  @Test func `a clock that has no later stamp says so`() {
    var clock = HybridClock(last: HybridTimestamp(rawValue: .max))
    #expect(throws: JournalError.clockExhausted) { try clock.next(now: .max) }
  }

  @Test func `times beyond 48 bits become the last millisecond`() throws {
    var clock = HybridClock()
    let stamp = try clock.next(now: .max)
    #expect(stamp.milliseconds == HybridTimestamp.largestMilliseconds)
    #expect(try clock.next(now: .max) > stamp)
  }

  @Test func `stamps rise whatever the physical clock does`() throws {
    var generator = SplitMix64(seed: TestEnvironment.seed)
    var clock = HybridClock()
    var last = HybridTimestamp(rawValue: 0)
    for _ in 0..<10_000 {
      let stamp = try clock.next(now: UInt64.random(in: 0..<5000, using: &generator))
      #expect(stamp > last, "seed \(TestEnvironment.seed)")
      last = stamp
    }
  }
}
