// SPDX-License-Identifier: Apache-2.0

/// Hashes the bytes of keys: folded multiplications, as in wyhash.
///
/// Seeded anew for each map that is opened, so that nobody can choose keys that collide: all that
/// keys are combined with follows from the seed.
struct KeyHash: Sendable {
  private let seed: UInt64
  private let first: UInt64
  private let second: UInt64

  init(seed: UInt64) {
    var state = seed
    self.init(
      seed: Self.next(&state), first: Self.next(&state) | 1, second: Self.next(&state) | 1)
  }

  init(seed: UInt64, first: UInt64, second: UInt64) {
    (self.seed, self.first, self.second) = (seed, first, second)
  }

  /// The next number of a sequence that looks random, as in SplitMix64.
  private static func next(_ state: inout UInt64) -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }

  @inline(__always)
  func callAsFunction(_ base: UnsafeRawPointer, _ count: Int) -> UInt64 {
    var seed = seed
    let a: UInt64
    let b: UInt64
    if count <= 16 {
      if count >= 8 {
        a = unsafe base.loadUnaligned(as: UInt64.self)
        b = unsafe base.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
      } else if count >= 4 {
        a = unsafe UInt64(base.loadUnaligned(as: UInt32.self))
        b = unsafe UInt64(base.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self))
      } else if count > 0 {
        let (start, end) = unsafe (
          base.load(as: UInt8.self), (base + (count &- 1)).load(as: UInt8.self)
        )
        let middle = unsafe (base + count >> 1).load(as: UInt8.self)
        a = UInt64(start) << 16 | UInt64(middle) << 8 | UInt64(end)
        b = 0
      } else {
        a = 0
        b = 0
      }
    } else {
      var offset = 0
      while offset &+ 16 < count {
        let low = unsafe base.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        let high = unsafe base.loadUnaligned(fromByteOffset: offset &+ 8, as: UInt64.self)
        seed = Self.fold(low ^ first, high ^ seed)
        offset &+= 16
      }
      a = unsafe base.loadUnaligned(fromByteOffset: count &- 16, as: UInt64.self)
      b = unsafe base.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
    }
    let (low, high) = Self.multiply(a ^ first, b ^ seed)
    return Self.fold(low ^ first ^ UInt64(truncatingIfNeeded: count), high ^ second)
  }

  @inline(__always)
  private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let (low, high) = multiply(left, right)
    return low ^ high
  }

  /// Both halves of a product.
  ///
  /// The factors stay in them, so that one that is zero does not take the other with it.
  @inline(__always)
  private static func multiply(
    _ left: UInt64, _ right: UInt64
  ) -> (low: UInt64, high: UInt64) {
    let product = left.multipliedFullWidth(by: right)
    return (product.low ^ left, product.high ^ right)
  }
}
