// SPDX-License-Identifier: Apache-2.0

/// Hashes the bytes of keys: folded multiplications, as in wyhash.
///
/// Seeded anew for each map that is opened, so that nobody can choose keys that collide.
struct KeyHash: Sendable {
  private static let first: UInt64 = 0xA076_1D64_78BD_642F
  private static let second: UInt64 = 0xE703_7ED1_A0B4_28DB

  let seed: UInt64

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
        seed = Self.fold(low ^ Self.first, high ^ seed)
        offset &+= 16
      }
      a = unsafe base.loadUnaligned(fromByteOffset: count &- 16, as: UInt64.self)
      b = unsafe base.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
    }
    let product = (a ^ Self.first).multipliedFullWidth(by: b ^ seed)
    return Self.fold(
      product.low ^ Self.first ^ UInt64(truncatingIfNeeded: count), product.high ^ Self.second)
  }

  @inline(__always)
  private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let product = left.multipliedFullWidth(by: right)
    return product.low ^ product.high
  }
}
