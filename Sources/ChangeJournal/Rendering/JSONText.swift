// SPDX-License-Identifier: Apache-2.0

/// JSON text (RFC 8259) that grows, in the one spelling that docs/FORMAT.md section 4 defines: no
/// spaces, members in the order they are written.
public struct JSONText: Sendable {
  /// The UTF-8 bytes written so far.
  public private(set) var bytes: [UInt8] = []

  /// Starts with nothing.
  public init() {}

  /// Adds punctuation or a literal as it is.
  public mutating func append(literal: StaticString) {
    for byte in literal.description.utf8 { bytes.append(byte) }
  }

  /// Adds a whole number.
  public mutating func append(_ number: some BinaryInteger) {
    bytes.append(contentsOf: number.description.utf8)
  }

  /// Adds a text in quotation marks.
  ///
  /// Control characters are escaped, also U+007F to U+009F, which a terminal may act on.
  public mutating func append(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    var previous: UInt8 = 0
    for byte in text.utf8 {
      switch byte {
      case 0x00..<0x20, 0x7f, UInt8(ascii: "\""), UInt8(ascii: "\\"):
        appendEscape(byte)
      case 0x80..<0xa0 where previous == 0xc2:
        bytes.removeLast()
        appendEscape(byte)
      default:
        bytes.append(byte)
      }
      previous = byte
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func appendEscape(_ scalar: UInt8) {
    bytes.append(UInt8(ascii: "\\"))
    switch scalar {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(scalar)
    case 0x08: bytes.append(UInt8(ascii: "b"))
    case 0x09: bytes.append(UInt8(ascii: "t"))
    case 0x0a: bytes.append(UInt8(ascii: "n"))
    case 0x0c: bytes.append(UInt8(ascii: "f"))
    case 0x0d: bytes.append(UInt8(ascii: "r"))
    default: bytes.append(contentsOf: ("u00" + Hexadecimal.text([scalar])).utf8)
    }
  }

  /// Adds a finite number with a fraction or an exponent, so that it reads back as a double.
  public mutating func append(_ number: Double) {
    bytes.append(contentsOf: Self.text(of: number).utf8)
  }

  /// The shortest digits that read back as the number; with an exponent below 1e-4 and from 1e16.
  static func text(of number: Double) -> String {
    // Below 2⁵³ this is what the standard library writes. Above, it takes an exponent at once.
    guard number.magnitude >= 9_007_199_254_740_992 else { return number.description }
    let sign = number < 0 ? "-" : ""
    let parts = number.magnitude.description.split(separator: "e")
    let point = parts[0].split(separator: ".")
    let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : point[0].count - 1
    var digits = point.joined()
    while digits.count > 1, digits.last == "0" { digits.removeLast() }
    guard exponent >= 16 else {
      return sign + digits + String(repeating: "0", count: max(0, exponent + 1 - digits.count))
        + ".0"
    }
    let fraction = digits.dropFirst()
    return "\(sign)\(digits.prefix(1))\(fraction.isEmpty ? "" : ".")\(fraction)e+\(exponent)"
  }
}

extension JSONText {
  /// Adds a value.
  ///
  /// A byte string becomes `{"$bytes":"<base64>"}`; a map that would look like that (its only name
  /// is `$bytes` or `$map`) is wrapped as `{"$map":{…}}`.
  public mutating func append(_ value: Value) {
    switch value {
    case .null: append(literal: "null")
    case .bool(let bool): append(literal: bool ? "true" : "false")
    case .integer(let number): append(number)
    case .unsigned(let number): append(number)
    case .double(let number): append(number)
    case .text(let text): append(text)
    case .bytes(let string):
      append(literal: "{\"$bytes\":\"")
      appendBase64(string)
      append(literal: "\"}")
    case .array(let values):
      append(literal: "[")
      appendList(values) { $0.append($1) }
      append(literal: "]")
    case .map(let map):
      let isAmbiguous = map.entries.count == 1 && ["$bytes", "$map"].contains(map.entries[0].key)
      append(literal: isAmbiguous ? "{\"$map\":{" : "{")
      appendList(map.entries) { $0.append(member: $1.key, $1.value) }
      append(literal: isAmbiguous ? "}}" : "}")
    }
  }

  /// Adds a member of an object.
  mutating func append(member name: String, _ value: Value) {
    append(name)
    append(literal: ":")
    append(value)
  }

  /// Adds elements with commas between them.
  mutating func appendList<Element>(
    _ elements: some Sequence<Element>, _ append: (inout JSONText, Element) throws -> Void
  ) rethrows {
    var isFirst = true
    for element in elements {
      if !isFirst { self.append(literal: ",") }
      isFirst = false
      try append(&self, element)
    }
  }

  /// Adds base64 (RFC 4648, section 4) with padding.
  private mutating func appendBase64(_ string: [UInt8]) {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var start = 0
    while start < string.count {
      let group = string[start..<min(start + 3, string.count)]
      let padded = Array(group) + Array(repeating: 0, count: 3 - group.count)
      let bits = padded.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      for digit in 0..<4 {
        let isPadding = digit > group.count
        let index = Int(bits >> UInt32(18 - 6 * digit) & 0x3f)
        bytes.append(isPadding ? UInt8(ascii: "=") : alphabet[index])
      }
      start += 3
    }
  }
}
