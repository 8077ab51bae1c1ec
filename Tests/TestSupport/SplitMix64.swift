// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A small random number generator whose whole state is one number, so that a seed repeats a run.
public struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Starts a sequence.
  public init(seed: UInt64) {
    state = seed
  }

  /// Returns the next number.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }

  /// Returns a number from 0 up to, not including, `limit`, which must be above zero.
  public mutating func below(_ limit: Int) -> Int {
    Int(next() % UInt64(limit))
  }

  /// Is true in `part` of `whole` cases.
  public mutating func chance(_ part: Int, in whole: Int) -> Bool {
    below(whole) < part
  }

  /// Returns random bytes.
  public mutating func bytes(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count {
      var word = next()
      for _ in 0..<8 {
        bytes.append(UInt8(truncatingIfNeeded: word))
        word >>= 8
      }
    }
    bytes.removeLast(bytes.count - count)
    return bytes
  }
}

/// Numbers that tests take from the environment.
public enum TestEnvironment {
  /// The seed of this run: `RECORD_STORE_SEED`, else a fixed one.
  public static let seed: UInt64 = number("RECORD_STORE_SEED") ?? 0x5EED_2026

  /// Reads a number from the environment, decimal or `0x…`.
  public static func number(_ name: String) -> UInt64? {
    guard let text = text(name) else { return nil }
    return text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text)
  }

  /// Reads an environment variable.
  public static func text(_ name: String) -> String? {
    guard let value = unsafe getenv(name) else { return nil }
    return unsafe String(cString: value)
  }

  /// Reads a count from the environment, else takes the one for a quick run.
  public static func count(_ name: String, quick: Int) -> Int {
    number(name).map { Int(clamping: $0) } ?? quick
  }
}
