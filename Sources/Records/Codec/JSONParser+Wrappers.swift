// SPDX-License-Identifier: Apache-2.0

extension JSONParser {
  /// Turns an object of the single member `$bytes` into a byte string, and takes one `$` from
  /// `$$bytes`. Returns whether the output at `head` is complete.
  mutating func unwrap(
    _ nameEnd: Int, head: Int, _ begin: Int, _ output: inout [UInt8]
  ) throws(JSONFault) -> Bool {
    let name = head + 1
    guard let dollars = JSONWrapper.dollars(in: output, encodedName: name..<nameEnd) else {
      return false
    }
    guard dollars == 1 else {
      // The name has at most 23 bytes or a longer head; either way it is encoded anew.
      var shorter: [UInt8] = []
      let text = ItemText.range(of: output, name..<nameEnd)
      shorter.appendHead(ItemType.text, UInt64(text.count - 1))
      shorter.append(contentsOf: output[text.dropFirst()])
      output.replaceSubrange(name..<nameEnd, with: shorter)
      return false
    }
    let invalid = JSONFault(
      problem: .invalidWrapper("\"$bytes\" holds no base64 text"), offset: begin)
    guard output[nameEnd] >> 5 == ItemType.text,
      let decoded = Base64.decode(output[ItemText.range(of: output, nameEnd..<output.count)])
    else { throw invalid }
    output.removeSubrange(head...)
    output.appendHead(ItemType.bytes, UInt64(decoded.count))
    output.append(contentsOf: decoded)
    return true
  }
}

/// The names that stand for something else in JSON: `$bytes`, and with more dollars before it.
enum JSONWrapper {
  private static let word = Array("bytes".utf8)

  /// How many dollars stand before `bytes` in an encoded name, or `nil` for any other name.
  static func dollars(in output: [UInt8], encodedName: Range<Int>) -> Int? {
    let text = ItemText.range(of: output, encodedName)
    return isWrapper(output.span, text) ? text.count - word.count : nil
  }

  /// Whether a name is `bytes` with one dollar or more before it.
  static func isWrapper(_ bytes: Span<UInt8>, _ name: Range<Int>) -> Bool {
    let dollars = name.count - word.count
    guard dollars >= 1 else { return false }
    for index in 0..<name.count {
      let expected = index < dollars ? UInt8(ascii: "$") : word[index - dollars]
      guard bytes[name.lowerBound + index] == expected else { return false }
    }
    return true
  }
}
