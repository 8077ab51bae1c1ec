// SPDX-License-Identifier: Apache-2.0

/// The pseudo-random sequence that a program in any language can make.
///
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014), with the
/// constants of Vigna's `splitmix64.c`.
public struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// A sequence that begins with the output after `state`.
  public init(state: UInt64) {
    self.state = state
  }

  /// The next output.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// The sequence whose outputs are the bytes of record `index`.
  static func record(_ index: UInt64) -> SplitMix64 {
    SplitMix64(state: index &* 0xD134_2543_DE82_EF95 &+ 3)
  }

  /// `count` numbers below `bound`, as random reads choose them.
  public static func positions(_ count: Int, below bound: Int, state: UInt64 = 99) -> [Int32] {
    var numbers = SplitMix64(state: state)
    return (0..<count).map { _ in Int32(truncatingIfNeeded: numbers.next() % UInt64(bound)) }
  }
}
