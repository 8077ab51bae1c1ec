// SPDX-License-Identifier: Apache-2.0

extension JSONParser {
  /// Parses a string, whose opening quote is the next byte, and appends it as text.
  @inline(__always)
  mutating func parseString(
    _ bytes: Span<UInt8>, into output: inout [UInt8]
  ) throws(JSONFault) {
    let start = offset + 1
    var index = start
    while index < bytes.count {
      let byte = bytes[index]
      if byte == UInt8(ascii: "\"") {
        output.appendHead(ItemType.text, UInt64(index - start))
        output.append(bytes, start..<index)
        offset = index + 1
        return
      }
      if byte == UInt8(ascii: "\\") || byte < 0x20 || byte >= 0x80 { break }
      index += 1
    }
    try parseUnusualString(bytes, into: &output)
  }

  /// Parses a string that holds escapes or characters beyond ASCII.
  @inline(never)
  private mutating func parseUnusualString(
    _ bytes: Span<UInt8>, into output: inout [UInt8]
  ) throws(JSONFault) {
    offset += 1
    var text: [UInt8] = []
    while offset < bytes.count {
      let byte = bytes[offset]
      switch byte {
      case UInt8(ascii: "\""):
        offset += 1
        output.appendHead(ItemType.text, UInt64(text.count))
        output.append(contentsOf: text)
        return
      case UInt8(ascii: "\\"): try parseEscape(bytes, into: &text)
      case 0..<0x20: throw fault(.controlCharacter(byte))
      case 0x80...:
        switch UTF8Scan.sequenceLength(bytes, at: offset) {
        case .valid(let length):
          text.append(bytes, offset..<offset + length)
          offset += length
        case .cut: throw JSONFault(problem: .unexpectedEnd, offset: bytes.count)
        case .invalid: throw fault(.invalidUTF8)
        }
      default:
        text.append(byte)
        offset += 1
      }
    }
    throw fault(.unexpectedEnd)
  }

  private mutating func parseEscape(
    _ bytes: Span<UInt8>, into text: inout [UInt8]
  ) throws(JSONFault) {
    guard offset + 1 < bytes.count else {
      throw JSONFault(problem: .unexpectedEnd, offset: bytes.count)
    }
    switch bytes[offset + 1] {
    case UInt8(ascii: "\""): text.append(UInt8(ascii: "\""))
    case UInt8(ascii: "\\"): text.append(UInt8(ascii: "\\"))
    case UInt8(ascii: "/"): text.append(UInt8(ascii: "/"))
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0c)
    case UInt8(ascii: "n"): text.append(0x0a)
    case UInt8(ascii: "r"): text.append(0x0d)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      try parseUnicodeEscape(bytes, into: &text)
      return
    default: throw fault(.invalidEscape)
    }
    offset += 2
  }

  private mutating func parseUnicodeEscape(
    _ bytes: Span<UInt8>, into text: inout [UInt8]
  ) throws(JSONFault) {
    let start = offset
    var code = try parseFourDigits(bytes)
    if code >= 0xd800, code < 0xe000 {
      let unpaired = JSONFault(problem: .unpairedSurrogate, offset: start)
      guard code < 0xdc00 else { throw unpaired }
      for (place, expected) in [UInt8(ascii: "\\"), UInt8(ascii: "u")].enumerated() {
        guard offset + place < bytes.count else {
          throw JSONFault(problem: .unexpectedEnd, offset: bytes.count)
        }
        guard bytes[offset + place] == expected else { throw unpaired }
      }
      let low = try parseFourDigits(bytes)
      guard low >= 0xdc00, low < 0xe000 else { throw unpaired }
      code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
    }
    // Every other code is a scalar value: surrogates are excluded above.
    guard let scalar = Unicode.Scalar(code) else {
      throw JSONFault(problem: .unpairedSurrogate, offset: start)
    }
    text.append(contentsOf: String(Character(scalar)).utf8)
  }

  /// Reads `\uXXXX`, of which the backslash is the next byte.
  private mutating func parseFourDigits(_ bytes: Span<UInt8>) throws(JSONFault) -> UInt32 {
    var code: UInt32 = 0
    for index in offset + 2..<offset + 6 {
      guard index < bytes.count else {
        throw JSONFault(problem: .unexpectedEnd, offset: bytes.count)
      }
      guard let digit = HexDigits.value(of: bytes[index]) else { throw fault(.invalidEscape) }
      code = code << 4 | UInt32(digit)
    }
    offset += 6
    return code
  }
}
