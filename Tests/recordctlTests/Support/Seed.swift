// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The seed of everything random in a test: printed, and set by RECORD_STORE_SEED.
enum Seed {
  static let value: UInt64 = {
    let given = ProcessInfo.processInfo.environment["RECORD_STORE_SEED"].flatMap { UInt64($0) }
    let seed = given ?? UInt64.random(in: 0 ... .max)
    print("RECORD_STORE_SEED=\(seed)")
    return seed
  }()

  static func generator() -> SeededGenerator { SeededGenerator(state: value) }
}

/// splitmix64.
struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  init(state: UInt64) {
    self.state = state
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
