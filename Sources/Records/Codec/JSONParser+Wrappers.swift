// SPDX-License-Identifier: Apache-2.0

extension JSONParser {
  /// Turns an object that wraps something into that: `$bytes` into a byte string, `$map` into the
  /// object inside.
  ///
  /// - Returns: Whether it was a wrapper, so that the output is complete.
  func unwrap(
    _ object: Object, isMap: Bool, _ output: inout [UInt8]
  ) throws(JSONFault) -> Bool {
    guard object.count == 1 else { return false }
    let name = object.head + 1..<object.nameEnd
    if JSONWrapper.isMap(output, name) {
      guard isMap else {
        throw JSONFault(
          problem: .invalidWrapper("\"$map\" holds no object"), offset: object.begin)
      }
      output.removeSubrange(object.head..<object.nameEnd)
      return true
    }
    guard JSONWrapper.isBytes(output, name) else { return false }
    guard output[object.nameEnd] >> 5 == ItemType.text,
      let decoded = Base64.decode(
        output[ItemText.range(of: output, object.nameEnd..<output.count)])
    else {
      throw JSONFault(
        problem: .invalidWrapper("\"$bytes\" holds no base64 text"), offset: object.begin)
    }
    output.removeSubrange(object.head...)
    output.appendHead(ItemType.bytes, UInt64(decoded.count))
    output.append(contentsOf: decoded)
    return true
  }
}

/// The member names that mean something else than a map when they stand alone.
///
/// `docs/FORMAT.md` defines them for the JSON form of transactions; records are written alike.
enum JSONWrapper {
  private static let bytes = Array("$bytes".utf8)
  private static let map = Array("$map".utf8)

  /// Whether a text item is the name `$bytes`.
  @inline(__always)
  static func isBytes(_ output: [UInt8], _ item: Range<Int>) -> Bool {
    matches(bytes, output.span, ItemText.range(of: output, item))
  }

  /// Whether a text item is the name `$map`.
  @inline(__always)
  static func isMap(_ output: [UInt8], _ item: Range<Int>) -> Bool {
    matches(map, output.span, ItemText.range(of: output, item))
  }

  /// Whether a map with this only name would be read as something else.
  static func isAmbiguous(_ bytes: Span<UInt8>, _ name: Range<Int>) -> Bool {
    matches(Self.bytes, bytes, name) || matches(map, bytes, name)
  }

  private static func matches(_ word: [UInt8], _ bytes: Span<UInt8>, _ name: Range<Int>) -> Bool {
    bytes.equals(name, word.span, 0..<word.count)
  }
}
