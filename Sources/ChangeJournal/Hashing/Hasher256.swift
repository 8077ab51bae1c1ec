// SPDX-License-Identifier: Apache-2.0

internal import Crypto

/// SHA-256 over bytes that arrive piece by piece.
public struct Hasher256: Sendable {
  private var state = SHA256()

  /// Starts with no bytes.
  public init() {}

  /// Adds bytes.
  public mutating func update(_ bytes: [UInt8]) {
    update(bytes[...])
  }

  /// Adds part of an array without copying it.
  public mutating func update(_ bytes: ArraySlice<UInt8>) {
    unsafe bytes.withUnsafeBytes { unsafe state.update(bufferPointer: $0) }
  }

  /// Returns the digest of everything added so far.
  public func finish() -> Hash256 {
    unsafe state.finalize().withUnsafeBytes { digest in
      let word = { (start: Int) -> UInt64 in
        unsafe UInt64(bigEndian: digest.loadUnaligned(fromByteOffset: start, as: UInt64.self))
      }
      return Hash256(words: (word(0), word(8), word(16), word(24)))
    }
  }
}
