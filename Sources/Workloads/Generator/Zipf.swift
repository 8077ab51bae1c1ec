// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Positions of which few come often and many seldom, spread over all of them.
///
/// Source: Gray et al., "Quickly generating billion-record synthetic databases" (SIGMOD 1994), as YCSB
/// uses it.
public struct Zipf: Sendable {
  private let count: Int
  private let exponent: Double
  private let sum: Double
  private let scale: Double
  private let eta: Double
  private var numbers: SplitMix64

  /// Positions below `count`; the exponent is less than 1.
  public init(_ count: Int, exponent: Double = 0.99, state: UInt64 = 99) {
    self.count = count
    self.exponent = exponent
    sum = (1...count).reduce(0) { $0 + 1 / pow(Double($1), exponent) }
    scale = 1 / (1 - exponent)
    let firstTwo = 1 + pow(0.5, exponent)
    eta = (1 - pow(2 / Double(count), 1 - exponent)) / (1 - firstTwo / sum)
    numbers = SplitMix64(state: state)
  }

  /// The next position.
  public mutating func next() -> Int32 {
    let uniform = Double(numbers.next() >> 11) / Double(1 << 53)
    // The often ones would be neighbours otherwise; a prime to most counts spreads them.
    return Int32(truncatingIfNeeded: rank(uniform) &* 2_654_435_761 % count)
  }

  private func rank(_ uniform: Double) -> Int {
    let product = uniform * sum
    if product < 1 { return 0 }
    if product < 1 + pow(0.5, exponent) { return 1 }
    return min(count - 1, Int(Double(count) * pow(eta * uniform - eta + 1, scale)))
  }
}
