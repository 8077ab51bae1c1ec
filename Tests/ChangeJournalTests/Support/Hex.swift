// SPDX-License-Identifier: Apache-2.0

/// Bytes from hexadecimal digits; spaces are skipped.
func bytes(hex: String) -> [UInt8] {
  let digits = hex.filter { !$0.isWhitespace }.compactMap(\.hexDigitValue)
  return stride(from: 0, to: digits.count - 1, by: 2).map {
    UInt8(digits[$0] << 4 | digits[$0 + 1])
  }
}

/// Hexadecimal digits of bytes.
func hex(_ bytes: some Sequence<UInt8>) -> String {
  let digits = Array("0123456789abcdef")
  return bytes.map { String([digits[Int($0 >> 4)], digits[Int($0 & 15)]]) }.joined()
}
