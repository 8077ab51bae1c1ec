// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

/// Why a value cannot be the key of a record.
public enum KeyProblem: Error, Sendable, Equatable, CustomStringConvertible {
  /// The record has no member, or the row no cell, to take the key from.
  case missing(field: String)
  /// A text longer than a key may be, in bytes.
  case tooLong(length: Int, limit: Int)
  /// A value that is neither text nor an integer of 64 bits nor `{"$uuid": "…"}`.
  case notAKey

  /// A phrase for people.
  public var description: String {
    switch self {
    case .missing(let field): "there is no \"\(field)\" to take the key from"
    case .tooLong(let length, let limit): "the key has \(length) bytes; the limit is \(limit)"
    case .notAKey: "the key is neither text nor an integer of 64 bits nor {\"$uuid\": \"…\"}"
    }
  }
}

/// Ordered bytes of keys (`RecordKey.orderedBytes`), made from and written as CBOR and JSON.
enum KeyBytes {
  static let integerKind: UInt8 = 1
  static let textKind: UInt8 = 2
  static let uuidKind: UInt8 = 3

  /// The member that holds the text of a UUID key.
  static let uuidWrapper = Array("$uuid".utf8)

  /// Appends to `buffer` the ordered bytes of the key that the CBOR item at `value` means.
  @inline(__always)
  static func append(
    itemAt value: Range<Int>, in buffer: inout [UInt8]
  ) throws(KeyProblem) -> Range<Int> {
    let type = buffer[value.lowerBound] >> 5
    let start = buffer.count
    if type == ItemType.text {
      try appendText(ItemText.range(of: buffer, value), in: &buffer)
    } else {
      try appendOther(value, in: &buffer)
    }
    return start..<buffer.count
  }

  /// Appends the ordered bytes of the text key at `text`.
  @inline(__always)
  static func appendText(_ text: Range<Int>, in buffer: inout [UInt8]) throws(KeyProblem) {
    guard text.count <= JournalLimits.keyBytes else {
      throw .tooLong(length: text.count, limit: JournalLimits.keyBytes)
    }
    buffer.append(textKind)
    for index in text { buffer.append(buffer[index]) }
  }

  /// Appends the ordered bytes of the integer key that the head of an item means; false when it is
  /// beyond 64 bits.
  @inline(__always)
  static func appendInteger(_ head: ItemHead, to buffer: inout [UInt8]) -> Bool {
    guard let magnitude = Int64(exactly: head.argument) else { return false }
    let number = head.type == ItemType.unsigned ? magnitude : ~magnitude
    buffer.append(integerKind)
    buffer.appendBigEndian(UInt64(bitPattern: number) ^ 1 << 63, bytes: 8)
    return true
  }

  @inline(never)
  private static func appendOther(
    _ value: Range<Int>, in buffer: inout [UInt8]
  ) throws(KeyProblem) {
    var cursor = ItemCursor(at: value.lowerBound, end: value.upperBound)
    guard let head = try? cursor.head(buffer.span) else { throw .notAKey }
    switch head.type {
    case ItemType.unsigned, ItemType.negative:
      guard appendInteger(head, to: &buffer) else { throw .notAKey }
    case ItemType.map:
      guard head.argument == 1, let name = try? cursor.string(ItemType.text, buffer.span),
        buffer[name].elementsEqual(uuidWrapper),
        let text = try? cursor.string(ItemType.text, buffer.span),
        let uuid = UUIDBytes(String(decoding: buffer[text], as: UTF8.self))
      else { throw .notAKey }
      buffer.append(uuidKind)
      buffer.append(contentsOf: uuid.bytes)
    default: throw .notAKey
    }
  }
}
