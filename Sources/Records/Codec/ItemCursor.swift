// SPDX-License-Identifier: Apache-2.0

/// The type and argument of one CBOR item.
struct ItemHead {
  /// One of `ItemType`.
  let type: UInt8
  /// The number, length or count; for floats their bits.
  let argument: UInt64
  /// The first byte, which tells apart the simple values and the widths of floats.
  let initial: UInt8
}

/// Bytes that are not the CBOR item that was expected there.
struct ItemFault: Error, Equatable {
  /// Where, counted from the start of the bytes read.
  let offset: Int
  /// What is wrong.
  let problem: String
}

/// A place in bytes that hold CBOR items of definite length.
///
/// Reads what this module or a journal has written and checked; nothing in it can trap on other
/// bytes, but it does not insist on the deterministic form.
///
/// There is a second reader, `CBORReader` of the journal, which owns its bytes and makes values of
/// them. Import, apply and export read millions of items in place: they take this one, and the
/// small codecs beside it (`ItemType`, `HalfFloat`, `HexDigits`, `Base64`), because a call into
/// another module for each byte or item would cost more than the reading.
struct ItemCursor {
  /// The next byte to read.
  private(set) var offset: Int
  /// The first byte not to read.
  let end: Int

  /// Starts at `offset`; `end` must not lie beyond the bytes.
  init(at offset: Int = 0, end: Int) {
    self.offset = offset
    self.end = end
  }

  /// Whether all bytes are read.
  var isAtEnd: Bool { offset >= end }

  /// Reads the head of an item.
  @inline(__always)
  mutating func head(_ bytes: Span<UInt8>) throws(ItemFault) -> ItemHead {
    guard offset < end else { throw fault("the item is missing") }
    let initial = bytes[offset]
    offset += 1
    let low = initial & 31
    if low < 24 {
      return ItemHead(type: initial >> 5, argument: UInt64(low), initial: initial)
    }
    return try longHead(initial, bytes)
  }

  private mutating func longHead(
    _ initial: UInt8, _ bytes: Span<UInt8>
  ) throws(ItemFault) -> ItemHead {
    let low = initial & 31
    guard low < 28 else { throw fault("an item of indefinite length") }
    let width = 1 << Int(low - 24)
    guard end - offset >= width else { throw fault("the item is cut short") }
    var argument: UInt64 = 0
    for _ in 0..<width {
      argument = argument << 8 | UInt64(bytes[offset])
      offset += 1
    }
    return ItemHead(type: initial >> 5, argument: argument, initial: initial)
  }

  /// Reads the head of an array or map and returns its count.
  mutating func count(_ type: UInt8, _ bytes: Span<UInt8>) throws(ItemFault) -> Int {
    let head = try head(bytes)
    guard head.type == type else { throw fault("an item of another type") }
    // Every element takes a byte, so a greater count is a lie.
    guard head.argument <= UInt64(end - offset) else { throw fault("an absurd count") }
    return Int(head.argument)
  }

  /// Reads an unsigned integer.
  @inline(__always)
  mutating func unsigned(_ bytes: Span<UInt8>) throws(ItemFault) -> UInt64 {
    let head = try head(bytes)
    guard head.type == ItemType.unsigned else { throw fault("an item of another type") }
    return head.argument
  }

  /// Reads a text or byte string and returns where its bytes are.
  @inline(__always)
  mutating func string(_ type: UInt8, _ bytes: Span<UInt8>) throws(ItemFault) -> Range<Int> {
    let head = try head(bytes)
    guard head.type == type else { throw fault("an item of another type") }
    return try advance(over: head.argument)
  }

  /// Passes over `length` bytes and returns where they are.
  @inline(__always)
  mutating func advance(over length: UInt64) throws(ItemFault) -> Range<Int> {
    guard length <= UInt64(end - offset) else { throw fault("the item is cut short") }
    let start = offset
    offset += Int(length)
    return start..<offset
  }

  /// Passes over one whole item and returns where it is.
  @inline(__always)
  mutating func item(_ bytes: Span<UInt8>) throws(ItemFault) -> Range<Int> {
    let start = offset
    var head = try head(bytes)
    var pending: UInt64 = 0
    while true {
      switch head.type {
      case ItemType.bytes, ItemType.text:
        _ = try advance(over: head.argument)
      case ItemType.array:
        guard head.argument <= UInt64(end - offset) else { throw fault("an absurd count") }
        pending += head.argument
      case ItemType.map:
        guard head.argument <= UInt64(end - offset) / 2 else { throw fault("an absurd count") }
        pending += head.argument * 2
      default: break
      }
      guard pending > 0 else { return start..<offset }
      pending -= 1
      head = try self.head(bytes)
    }
  }

  /// A fault at the present place.
  func fault(_ problem: String) -> ItemFault {
    ItemFault(offset: offset, problem: problem)
  }
}
