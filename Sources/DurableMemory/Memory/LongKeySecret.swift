// SPDX-License-Identifier: Apache-2.0

/// What the names of long keys depend on: a random number of each map, kept with it, so that nobody
/// can choose keys that have the same name.
struct LongKeySecret: Equatable {
  static let byteCount = 16

  private let first: UInt64
  private let second: UInt64

  /// A new one.
  init() {
    first = .random(in: .min ... .max)
    second = .random(in: .min ... .max)
  }

  /// Reads the bytes of one; `nil` for another number of them.
  init?(_ bytes: ArraySlice<UInt8>) {
    guard bytes.count == Self.byteCount else { return nil }
    first = Self.word(bytes.prefix(8))
    second = Self.word(bytes.suffix(8))
  }

  /// The bytes, as the key of SipHash is written.
  var stored: [UInt8] {
    bigEndianBytes(first.byteSwapped) + bigEndianBytes(second.byteSwapped)
  }

  private static func word(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// The name of a key: SipHash-2-4 with 128 bits, of which no two were ever seen to be the same.
  func name(of key: Span<UInt8>) -> LongKeyName {
    var state = SipState(first, second)
    var offset = 0
    while offset + 8 <= key.count {
      state.add(key.load(bigEndian: UInt64.self, at: offset).byteSwapped)
      offset += 8
    }
    var last = UInt64(truncatingIfNeeded: key.count) << 56
    for index in offset..<key.count { last |= UInt64(key[index]) << UInt64(8 * (index - offset)) }
    state.add(last)
    let (high, low) = state.finish()
    // The bytes of the result, in their order.
    return LongKeyName(high: high.byteSwapped, low: low.byteSwapped)
  }
}

/// The state of SipHash-2-4 with a result of 128 bits, by Aumasson and Bernstein.
private struct SipState {
  private var v0: UInt64
  private var v1: UInt64
  private var v2: UInt64
  private var v3: UInt64

  init(_ first: UInt64, _ second: UInt64) {
    v0 = first ^ 0x736F_6D65_7073_6575
    v1 = second ^ 0x646F_7261_6E64_6F6D ^ 0xEE
    v2 = first ^ 0x6C79_6765_6E65_7261
    v3 = second ^ 0x7465_6462_7974_6573
  }

  mutating func add(_ word: UInt64) {
    v3 ^= word
    rounds(2)
    v0 ^= word
  }

  mutating func finish() -> (UInt64, UInt64) {
    v2 ^= 0xEE
    rounds(4)
    let first = v0 ^ v1 ^ v2 ^ v3
    v1 ^= 0xDD
    rounds(4)
    return (first, v0 ^ v1 ^ v2 ^ v3)
  }

  private mutating func rounds(_ count: Int) {
    for _ in 0..<count {
      v0 &+= v1
      v1 = Self.rotate(v1, 13) ^ v0
      v0 = Self.rotate(v0, 32)
      v2 &+= v3
      v3 = Self.rotate(v3, 16) ^ v2
      v0 &+= v3
      v3 = Self.rotate(v3, 21) ^ v0
      v2 &+= v1
      v1 = Self.rotate(v1, 17) ^ v2
      v2 = Self.rotate(v2, 32)
    }
  }

  private static func rotate(_ word: UInt64, _ count: UInt64) -> UInt64 {
    word << count | word >> (64 - count)
  }
}
