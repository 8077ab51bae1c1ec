// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

/// Reads that insist on the deterministic form, for bytes that another replica wrote.
extension ItemCursor {
  /// Reads the head of an item in its shortest form.
  @inline(__always)
  mutating func strictHead(_ bytes: Span<UInt8>) throws(ItemFault) -> ItemHead {
    let start = offset
    let head = try head(bytes)
    if head.initial & 31 >= 24 { try checkShortest(head, start) }
    return head
  }

  private func checkShortest(_ head: ItemHead, _ start: Int) throws(ItemFault) {
    let smallest: UInt64 =
      switch head.initial & 31 {
      case 24: 24
      case 25: 1 << 8
      case 26: 1 << 16
      default: 1 << 32
      }
    guard head.type == ItemType.simple || head.argument >= smallest else {
      throw ItemFault(offset: start, problem: "a number is not in its shortest form")
    }
  }

  /// Passes over one value in its deterministic form and returns where it is.
  @inline(__always)
  mutating func strictValue(_ bytes: Span<UInt8>) throws(ItemFault) -> Range<Int> {
    let start = offset
    try passValue(bytes, depth: 0)
    return start..<offset
  }

  private mutating func passValue(_ bytes: Span<UInt8>, depth: Int) throws(ItemFault) {
    let start = offset
    let head = try strictHead(bytes)
    switch head.type {
    case ItemType.unsigned: break
    case ItemType.negative:
      guard head.argument <= UInt64(Int64.max) else {
        throw ItemFault(offset: start, problem: "a number below -2^63")
      }
    case ItemType.bytes: _ = try advance(over: head.argument)
    case ItemType.text: try passText(head, bytes)
    case ItemType.array:
      try checkDepth(depth, start)
      guard head.argument <= UInt64(end - offset) else { throw fault("an absurd count") }
      for _ in 0..<head.argument { try passValue(bytes, depth: depth + 1) }
    case ItemType.map:
      try checkDepth(depth, start)
      try passMap(head, bytes, depth)
    case ItemType.simple: try checkSimple(head, start)
    default: throw ItemFault(offset: start, problem: "an item that is no value")
    }
  }

  private func checkDepth(_ depth: Int, _ start: Int) throws(ItemFault) {
    guard depth < JournalLimits.fieldDepth else {
      throw ItemFault(
        offset: start, problem: "more than \(JournalLimits.fieldDepth) levels in a field")
    }
  }

  /// Reads a text item in its shortest form and returns where it is, with its head.
  mutating func strictText(_ bytes: Span<UInt8>) throws(ItemFault) -> Range<Int> {
    let start = offset
    let head = try strictHead(bytes)
    guard head.type == ItemType.text else {
      throw ItemFault(offset: start, problem: "an item of another type")
    }
    try passText(head, bytes)
    return start..<offset
  }

  @inline(__always)
  private mutating func passText(_ head: ItemHead, _ bytes: Span<UInt8>) throws(ItemFault) {
    let text = try advance(over: head.argument)
    if let place = UTF8Scan.firstFault(bytes, in: text) {
      throw ItemFault(offset: place, problem: "text that is not UTF-8")
    }
  }

  private mutating func passMap(
    _ head: ItemHead, _ bytes: Span<UInt8>, _ depth: Int
  ) throws(ItemFault) {
    guard head.argument <= UInt64(end - offset) / 2 else { throw fault("an absurd count") }
    var previous: Range<Int>?
    for _ in 0..<head.argument {
      let name = try strictText(bytes)
      if let previous, bytes.compare(previous, name) >= 0 {
        throw ItemFault(offset: name.lowerBound, problem: "names of a map are not in order")
      }
      previous = name
      try passValue(bytes, depth: depth + 1)
    }
  }

  private func checkSimple(_ head: ItemHead, _ start: Int) throws(ItemFault) {
    let isShortest: Bool
    switch head.initial {
    case ItemType.falseByte, ItemType.trueByte, ItemType.nullByte: return
    case ItemType.halfByte:
      isShortest = HalfFloat.value(of: UInt16(truncatingIfNeeded: head.argument)).isFinite
    case ItemType.singleByte:
      let single = Float(bitPattern: UInt32(truncatingIfNeeded: head.argument))
      isShortest = single.isFinite && HalfFloat.bits(of: single) == nil
    case ItemType.doubleByte:
      let double = Double(bitPattern: head.argument)
      isShortest = double.isFinite && Double(Float(double)) != double
    default: throw ItemFault(offset: start, problem: "an item that is no value")
    }
    guard isShortest else {
      throw ItemFault(offset: start, problem: "a float is not finite or not in its shortest form")
    }
  }
}
