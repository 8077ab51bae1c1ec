// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// Section 1 of docs/FORMAT.md, to be compared with what the engine writes.
struct FormatDocument {
  /// A field of a structure, as its table has it.
  struct Field {
    let offset: Int
    let bytes: Int
    let text: String
  }

  /// What a field must hold.
  enum Content {
    case number(UInt64)
    case bytes([UInt8])
    /// Something computed, such as a checksum.
    case any
  }

  private let chapter: FormatChapter

  init() throws { chapter = try FormatChapter(1) }

  func words(of title: String) throws -> String { try chapter.words(of: title) }

  func tables(in title: String) throws -> [[[String]]] { try chapter.tables(in: title) }

  /// The fields of a structure, by the section and the number of its table there.
  func fields(_ title: String, table: Int = 0) throws -> [Field] {
    let tables = try tables(in: title)
    return try tables[table].map { row in
      let width =
        switch row[1] {
        case "u8": 1
        case "u16": 2
        case "u32": 4
        case "u64": 8
        default: try #require(Int(row[1].prefix { $0.isNumber }), "\(row)")
        }
      return Field(offset: try #require(Int(row[0])), bytes: width, text: row[2])
    }
  }

  /// Checks that the fields lie without gaps, say what they are, and hold what they should.
  static func compare(
    _ fields: [Field], with bytes: [UInt8], _ expected: [(text: String, content: Content)],
    _ location: SourceLocation = #_sourceLocation
  ) {
    #expect(fields.count == expected.count, sourceLocation: location)
    var end = 0
    for (field, (text, content)) in zip(fields, expected) {
      #expect(field.offset == end, "\(field.text): no gaps", sourceLocation: location)
      #expect(field.text.hasPrefix(text), sourceLocation: location)
      end = field.offset + field.bytes
      let found = Array(bytes[field.offset..<end])
      switch content {
      case .any: #expect(found.contains { $0 != 0 }, "\(field.text)", sourceLocation: location)
      case .bytes(let bytes): #expect(found == bytes, "\(field.text)", sourceLocation: location)
      case .number(let number):
        let value = found.reversed().reduce(0) { $0 << 8 | UInt64($1) }
        #expect(value == number, "\(field.text)", sourceLocation: location)
      }
    }
  }
}
