// SPDX-License-Identifier: Apache-2.0

/// The bytes of a number, the least significant first.
func littleEndianBytes(_ number: UInt64) -> [UInt8] {
  (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * $0)) }
}
