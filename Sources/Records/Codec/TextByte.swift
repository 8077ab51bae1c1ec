// SPDX-License-Identifier: Apache-2.0

/// Bytes with a meaning in text formats.
enum TextByte {
  static let newline = UInt8(ascii: "\n")
  static let carriageReturn = UInt8(ascii: "\r")
  static let comma = UInt8(ascii: ",")
  static let quote = UInt8(ascii: "\"")
}
