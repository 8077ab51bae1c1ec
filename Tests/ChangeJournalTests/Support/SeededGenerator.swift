// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A small generator (SplitMix64) that a printed seed reproduces.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }

  /// Whether something happens that does so once in `count` times.
  mutating func oneIn(_ count: Int) -> Bool {
    Int.random(in: 0..<count, using: &self) == 0
  }
}

/// The seed of this run: `RECORD_STORE_SEED` where set, otherwise a new one.
///
/// Failing tests print it.
let testSeed: UInt64 = {
  if let text = unsafe getenv("RECORD_STORE_SEED"), let seed = UInt64(unsafe String(cString: text))
  {
    return seed
  }
  return UInt64.random(in: 0...UInt64.max)
}()

/// Seeds for parameterised tests, derived from the seed of the run.
func testSeeds(_ count: Int) -> [UInt64] {
  if unsafe getenv("RECORD_STORE_SEED") != nil { return [testSeed] }
  var generator = SeededGenerator(seed: testSeed)
  return (0..<count).map { _ in generator.next() }
}
