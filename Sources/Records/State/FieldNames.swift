// SPDX-License-Identifier: Apache-2.0

/// The names of the fields that one transaction writes in one collection, as text items, each
/// with a number.
struct FieldNames {
  /// The items, one after the other.
  private(set) var bytes: [UInt8] = []
  /// Where each name is, by number.
  private(set) var ranges: [Range<Int>] = []
  /// The numbers of the names behind the first few, which are found faster by looking at them.
  private var numbers: [[UInt8]: Int] = [:]
  private static let searched = 8

  /// How many names there are.
  var count: Int { ranges.count }

  /// Takes a name that is known to be new, as its text item.
  mutating func append(_ source: Span<UInt8>, _ name: Range<Int>) {
    let start = bytes.count
    bytes.append(source, name)
    ranges.append(start..<bytes.count)
  }

  /// The number of a name given as its text item.
  ///
  /// `guess` is tried first: most records have the fields of the one before.
  @inline(__always)
  mutating func number(_ source: Span<UInt8>, _ name: Range<Int>, guess: Int) -> Int {
    if guess < ranges.count, source.equals(name, bytes.span, ranges[guess]) { return guess }
    return lookUp(source, name)
  }

  @inline(never)
  private mutating func lookUp(_ source: Span<UInt8>, _ name: Range<Int>) -> Int {
    for (number, range) in ranges.prefix(Self.searched).enumerated()
    where source.equals(name, bytes.span, range) {
      return number
    }
    if ranges.count >= Self.searched {
      var item: [UInt8] = []
      item.append(source, name)
      if let known = numbers[item] { return known }
      numbers[item] = ranges.count
    }
    append(source, name)
    return ranges.count - 1
  }

  /// Whether the other has the same names with the same numbers, and perhaps more.
  func isPrefix(of other: FieldNames) -> Bool {
    bytes.count <= other.bytes.count && ranges.count <= other.ranges.count
      && other.ranges.starts(with: ranges) && other.bytes.starts(with: bytes)
  }

  /// Orders two names by the bytes of their texts.
  func compare(_ left: Int, _ right: Int) -> Int {
    bytes.span.compare(
      ItemText.range(of: bytes, ranges[left]), ItemText.range(of: bytes, ranges[right]))
  }

  /// The name as text.
  func text(_ number: Int) -> String {
    ItemText.decode(bytes, ranges[number])
  }
}

/// What an operation does to one field: sets it, or removes it where `value` is empty.
struct FieldEdit {
  /// The number of the name in `FieldNames`.
  let name: Int
  /// Where the value is in the bytes that come with the edits.
  let value: Range<Int>
}
