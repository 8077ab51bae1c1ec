// SPDX-License-Identifier: Apache-2.0

/// Text and byte items that are known to be whole.
enum ItemText {
  /// Where the characters of a text item are; `item` begins at its head.
  @inline(__always)
  static func range(of bytes: [UInt8], _ item: Range<Int>) -> Range<Int> {
    min(item.lowerBound + headLength(bytes[item.lowerBound]), item.upperBound)..<item.upperBound
  }

  /// The bytes of the head that begins with `initial`.
  @inline(__always)
  static func headLength(_ initial: UInt8) -> Int {
    let low = initial & 31
    return low < 24 ? 1 : 1 + 1 << Int(min(low, 27) - 24)
  }

  /// The characters of a text item.
  static func decode(_ bytes: [UInt8], _ item: Range<Int>) -> String {
    String(decoding: bytes[range(of: bytes, item)], as: UTF8.self)
  }
}

extension Span where Element == UInt8 {
  /// Orders two parts bytewise: negative, zero or positive.
  @inline(__always)
  func compare(_ left: Range<Int>, _ right: Range<Int>) -> Int {
    compare(left, self, right)
  }

  /// Orders a part and one of another span bytewise: negative, zero or positive.
  @inline(__always)
  func compare(_ part: Range<Int>, _ other: Span<UInt8>, _ otherPart: Range<Int>) -> Int {
    let common = Swift.min(part.count, otherPart.count)
    var index = 0
    while index < common {
      let difference = Int(self[part.lowerBound + index]) - Int(other[otherPart.lowerBound + index])
      if difference != 0 { return difference }
      index += 1
    }
    return part.count - otherPart.count
  }

  /// Whether two parts hold the same bytes.
  @inline(__always)
  func equals(_ part: Range<Int>, _ other: Span<UInt8>, _ otherPart: Range<Int>) -> Bool {
    guard part.count == otherPart.count else { return false }
    var index = 0
    while index < part.count {
      if self[part.lowerBound + index] != other[otherPart.lowerBound + index] { return false }
      index += 1
    }
    return true
  }
}
