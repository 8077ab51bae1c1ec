// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

/// Writes CBOR items as JSON text, always the same text for the same bytes.
///
/// The inverse of `JSONParser`: what it writes is read back as the same bytes. Doubles have the
/// shortest digits that give them back, and always a point or an exponent, so that they are not
/// read back as integers.
enum JSONWriter {
  /// Deeper than any item this store accepts; bounds the recursion on foreign bytes.
  private static var depthLimit: Int { 2 * JSONParser.depthLimit }

  /// Appends the JSON of the item at the cursor and moves the cursor behind it.
  static func write(
    _ bytes: Span<UInt8>, _ cursor: inout ItemCursor, into output: inout [UInt8], depth: Int = 0
  ) throws(ItemFault) {
    guard depth <= depthLimit else { throw cursor.fault("items inside each other too deep") }
    let head = try cursor.head(bytes)
    switch head.type {
    case ItemType.unsigned: appendDigits(head.argument, to: &output)
    case ItemType.negative: appendNegative(head.argument, to: &output)
    case ItemType.text:
      writeString(bytes, try cursor.advance(over: head.argument), into: &output)
    case ItemType.bytes:
      output.append(contentsOf: #"{"$bytes":""#.utf8)
      Base64.encode(bytes, try cursor.advance(over: head.argument), into: &output)
      output.append(contentsOf: #""}"#.utf8)
    case ItemType.array:
      output.append(UInt8(ascii: "["))
      for index in 0..<head.argument {
        if index > 0 { output.append(UInt8(ascii: ",")) }
        try write(bytes, &cursor, into: &output, depth: depth + 1)
      }
      output.append(UInt8(ascii: "]"))
    case ItemType.map:
      try writeMap(bytes, &cursor, count: head.argument, into: &output, depth: depth)
    default: try writeSimple(head, cursor, into: &output)
    }
  }

  private static func writeMap(
    _ bytes: Span<UInt8>, _ cursor: inout ItemCursor, count: UInt64, into output: inout [UInt8],
    depth: Int
  ) throws(ItemFault) {
    let start = output.count
    var isAmbiguous = false
    output.append(UInt8(ascii: "{"))
    for index in 0..<count {
      if index > 0 { output.append(UInt8(ascii: ",")) }
      let name = try cursor.string(ItemType.text, bytes)
      isAmbiguous = count == 1 && JSONWrapper.isAmbiguous(bytes, name)
      writeString(bytes, name, into: &output)
      output.append(UInt8(ascii: ":"))
      try write(bytes, &cursor, into: &output, depth: depth + 1)
    }
    output.append(UInt8(ascii: "}"))
    if isAmbiguous {
      output.insert(contentsOf: #"{"$map":"#.utf8, at: start)
      output.append(UInt8(ascii: "}"))
    }
  }

  private static func writeSimple(
    _ head: ItemHead, _ cursor: ItemCursor, into output: inout [UInt8]
  ) throws(ItemFault) {
    switch head.initial {
    case ItemType.falseByte: output.append(contentsOf: "false".utf8)
    case ItemType.trueByte: output.append(contentsOf: "true".utf8)
    case ItemType.nullByte: output.append(contentsOf: "null".utf8)
    case ItemType.halfByte:
      writeDouble(HalfFloat.value(of: UInt16(truncatingIfNeeded: head.argument)), &output)
    case ItemType.singleByte:
      writeDouble(
        Double(Float(bitPattern: UInt32(truncatingIfNeeded: head.argument))), &output)
    case ItemType.doubleByte: writeDouble(Double(bitPattern: head.argument), &output)
    default: throw cursor.fault("an item that is no value of JSON")
    }
  }

  /// Appends a string with its quotes.
  ///
  /// Control characters are escaped, also U+007F to U+009F, which a terminal may act on.
  static func writeString(_ bytes: Span<UInt8>, _ range: Range<Int>, into output: inout [UInt8]) {
    output.append(UInt8(ascii: "\""))
    var plain = range.lowerBound
    var index = range.lowerBound
    while index < range.upperBound {
      let byte = bytes[index]
      if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte < 0x7f {
        index += 1
        continue
      }
      // U+0080 to U+009F are 0xc2 and a second byte below 0xa0.
      let isControl = byte == 0xc2 && index + 1 < range.upperBound && bytes[index + 1] < 0xa0
      guard byte <= 0x7f || isControl else {
        index += 1
        continue
      }
      output.append(bytes, plain..<index)
      if isControl { index += 1 }
      writeEscape(bytes[index], into: &output)
      index += 1
      plain = index
    }
    output.append(bytes, plain..<range.upperBound)
    output.append(UInt8(ascii: "\""))
  }

  private static func writeEscape(_ byte: UInt8, into output: inout [UInt8]) {
    output.append(UInt8(ascii: "\\"))
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): output.append(byte)
    case 0x08: output.append(UInt8(ascii: "b"))
    case 0x09: output.append(UInt8(ascii: "t"))
    case 0x0a: output.append(UInt8(ascii: "n"))
    case 0x0c: output.append(UInt8(ascii: "f"))
    case 0x0d: output.append(UInt8(ascii: "r"))
    default:
      output.append(contentsOf: "u00".utf8)
      output.append(HexDigits.digit(byte >> 4))
      output.append(HexDigits.digit(byte & 15))
    }
  }

  /// Appends a finite double; the store holds no others.
  private static func writeDouble(_ number: Double, _ output: inout [UInt8]) {
    guard number.magnitude >= 1e16 else {
      output.append(contentsOf: number.description.utf8)
      return
    }
    // Large numbers as the journal's JSON form writes them: with an exponent.
    var text = JSONText()
    text.append(number)
    output.append(contentsOf: text.bytes)
  }

  /// Appends `-1 - argument`, which may be below every `Int64` only in foreign bytes.
  private static func appendNegative(_ argument: UInt64, to output: inout [UInt8]) {
    output.append(UInt8(ascii: "-"))
    let (magnitude, overflow) = argument.addingReportingOverflow(1)
    if overflow {
      output.append(contentsOf: "18446744073709551616".utf8)
    } else {
      appendDigits(magnitude, to: &output)
    }
  }

  /// Appends a number in decimal.
  static func appendDigits(_ number: UInt64, to output: inout [UInt8]) {
    let start = output.count
    var rest = number
    repeat {
      output.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
      rest /= 10
    } while rest > 0
    output[start...].reverse()
  }
}
