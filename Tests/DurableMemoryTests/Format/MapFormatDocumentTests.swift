// SPDX-License-Identifier: Apache-2.0

@testable import DurableMemory
import DurableMemoryFoundation
import Foundation
import StorageEngine
import TestSupport
import Testing

/// What docs/FORMAT.md says of durable maps, and of the trees of durable memory, must agree with the
/// code.
struct MapFormatDocumentTests {
  private let document: FormatChapter

  init() throws {
    document = try FormatChapter(7)
  }

  @Test
  func `the trees and the keys in them are those of the table`() throws {
    let rows = try document.table("Tree", in: "Trees")
    try withStore { store in
      let map = try DurableMap<Int, Bool>(named: "<map>", in: store.database)
      let system = try PrevalentSystem.open(
        in: store.database, named: "<system>", .bank, options: BankStore.options()
      ) { Bank() }
      map.close()
      try system.close()
      try store.database.read { view in
        let trees = try view.trees().filter { $0.name.hasPrefix("memory/") }
        let names = rows.map { $0[0].filter { $0 != "`" } }
        // The image of the model at the beginning.
        let found = trees.map { $0.name.replacing("image/0", with: "image/<number>") }
        #expect(Set(names) == Set(found))
        #expect(names.count == found.count)
        for (name, tree) in trees {
          let cursor = try view.cursor(in: tree)
          guard try cursor.next() else { continue }
          let row = try #require(rows.first { $0[0] == "`\(name)`" } ?? rows.last)
          switch row[1].prefix(while: { $0 != "," }) {
          case "`map/` and the name of a map":
            #expect(cursor.key == Array("map/<map>".utf8))
          case "`system`": #expect(cursor.key == Array("system".utf8))
          case "number of a command", "number of a chunk":
            #expect(cursor.key == [UInt8](repeating: 0, count: 8), "\(name)")
          default: Issue.record("\(row)")
          }
        }
      }
    }
    let words = try document.words(of: "Trees")
    #expect(words.contains("are 8 bytes, the most significant first"))
    #expect(PrevalentKey.of(0x0102) == [0, 0, 0, 0, 0, 0, 1, 2])
  }

  @Test
  func `an entry of the catalog has the fields of the table`() throws {
    let rows = try document.table("Map field", in: "Catalog of maps")
    let entry = MapEntry(keyType: "int16", valueType: "string")
    let secret = entry.secret.stored
    let (key, value) = (Array("int16".utf8), Array("string".utf8))
    let fields: [(name: String, bytes: [UInt8])] = [
      ("version", [MapCatalog.version]), ("keyTypeLength", [5]), ("keyType", key),
      ("valueTypeLength", [6]), ("valueType", value), ("secret", secret),
    ]
    #expect(rows.map { $0[0] } == fields.map(\.name))
    for (row, field) in zip(rows, fields) {
      guard let count = Int(row[1]) else {
        #expect(row[1] == "1 to \(MapCatalog.longestType)")
        continue
      }
      #expect(count == field.bytes.count, "\(row)")
    }
    #expect(rows[0][2].hasPrefix("\(MapCatalog.version): "))
    #expect(entry.stored == fields.flatMap(\.bytes))
    #expect(MapEntry(entry.stored) == entry)
    #expect(MapEntry(entry.stored + [0]) == nil)
    #expect(MapEntry(Array(entry.stored.dropLast())) == nil)
    #expect(MapEntry([2] + entry.stored.dropFirst()) == nil)
  }

  @Test
  func `marks and flags are those of the tables`() throws {
    let marks = try document.table("Mark", in: "Entries of maps")
    typealias Mark = StoredForm.Mark
    #expect(marks.map { $0[0] } == [Mark.plain, Mark.long, Mark.part].map { "\($0)" })
    #expect(marks[0][1] == "the key, at most \(StoredForm.longestPlainKey) bytes")
    #expect(marks[1][1].hasPrefix("\(LongKeyName.byteCount - 1) bytes"))
    #expect(LongKeyName(high: 0x0102, low: 3).storedKey == [1, 0, 0, 0, 0, 0, 0, 1, 2] + eight(3))
    #expect(marks[2][1].hasPrefix("u64 number, u32 part"))
    #expect(PartsHead.partKey(0x0102, 3) == [2, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 3])

    let flags = try document.table("Flag", in: "Entries of maps").map { $0[0] }
    #expect(flags == [StoredFlags.expires, .inParts].map { "\($0.rawValue)" })
    for byte in 0...UInt8.max {
      let value = [byte] + eight(0)
      let isKnown = StoredFlags(of: value.span) != nil
      #expect(isKnown == (byte <= flags.compactMap { UInt8($0) }.reduce(0, +)), "\(byte)")
    }
  }

  @Test
  func `a head is written as in its table`() throws {
    let rows = try document.table("Offset", in: "Entries of maps")
    let head = PartsHead(
      flags: [.inParts, .expires], expiry: eight(7), number: 8, keyCount: 1024, valueCount: 9)
    let start = head.flags.prefixBytes
    #expect(Array(head.stored[..<start]) == [3] + eight(7))
    var end = 0
    for (row, number) in zip(rows, [8, 1024, 9] as [UInt64]) {
      #expect(Int(row[0]) == end, "\(row): no gaps")
      #expect(row[1] == "u64")
      end += 8
      #expect(Array(head.stored[(start + end - 8)..<(start + end)]) == eight(number))
    }
    #expect(rows.count == 3)
    #expect(head.stored.count == start + end)

    let (long, plain): ([UInt8], [UInt8]) = ([1] + eight(1) + eight(2), [0, 5])
    let (fitsLong, fitsPlain) = (head.isOf(long.span), head.isOf(plain.span))
    #expect(fitsLong && !fitsPlain)
    let longer = head.stored + [0]
    let isLonger = PartsHead(stored: longer.span) != nil
    #expect(!isLonger)
    let words = try document.words(of: "Entries of maps")
    #expect(words.contains("more than \(StoredForm.longestPlainKey) bytes, or its value more than"))
    #expect(words.contains("more than \(StoredForm.longestPiece) with flags and time"))
    #expect(words.contains("cut at \(StoredForm.longestPiece) bytes"))
  }

  @Test
  func `types have the names and widths of the table`() throws {
    let types: [any DurableCodable.Type] = [
      UInt8.self, UInt16.self, UInt32.self, UInt64.self, UInt128.self, Int8.self, Int16.self,
      Int32.self, Int64.self, Int128.self, Bool.self, Float.self, Double.self, UUIDElement.self,
      Date.self, String.self, [UInt8].self, T?.self, DurableTuple<T, U>.self, DurableJSON<N>.self,
    ]
    let rows = try document.table("Type name", in: "Types of maps")
    #expect(rows.map { $0[0] } == types.map { "`\($0.durableType)`" })
    for (row, type) in zip(rows, types) where row[1] != "see below" {
      #expect(row[1] == type.durableWidth.map(String.init) ?? "", "\(row)")
    }
    #expect((UInt.durableType, Int.durableType) == ("uint64", "int64"))
    #expect((UUID.durableType, Data.durableType) == ("uuid", "bytes"))
    #expect(DurableTuple<Int8, Date>.durableWidth == 9)
    #expect(DurableTuple<Int8, String>.durableWidth == nil)
  }

  @Test
  func `values have the bytes of the table`() throws {
    func bytes(_ value: some DurableCodable) -> [UInt8] { value.withDurableBytes { $0.array } }
    #expect(bytes(UInt32(0x0102)) == [0, 0, 1, 2])
    #expect(bytes(Int16(-1)) == [0x7F, 0xFF])
    #expect(bytes(true) == [1])
    #expect(bytes(-1.0 as Float) == [0xBF, 0x80, 0, 0])
    #expect(bytes(1.0) == [0x3F, 0xF0, 0, 0, 0, 0, 0, 0])
    #expect(bytes(Date(timeIntervalSinceReferenceDate: 1)) == bytes(1.0))
    let uuid = try #require(UUID(uuidString: "00010203-0405-0607-0809-0a0b0c0d0e0f"))
    #expect(bytes(uuid) == (0..<16).map { UInt8($0) })
    #expect(bytes("é") == [0xC3, 0xA9])
    #expect(bytes(Int8?.none) == [0])
    #expect(bytes(Int8?.some(1)) == [1, 0x81])
    let long = String(repeating: "a", count: 300)
    #expect(bytes(DurableTuple(UInt8(7), "bc")) == [7, 2, 0x62, 0x63])
    #expect(bytes(DurableTuple(long, UInt8(7))) == [0xAC, 2] + long.utf8 + [7])
    #expect(try bytes(DurableJSON(["b": 1, "a": 2])) == Array(#"{"a":2,"b":1}"#.utf8))
  }

  /// Eight bytes, the most significant first.
  private func eight(_ number: UInt64) -> [UInt8] { littleEndianBytes(number).reversed() }
}

/// The names that the table has for any types.
private struct T: DurableCodable {
  static let durableType = "T"
  var durableByteCount: Int { 0 }

  init(decoding bytes: Span<UInt8>) throws(DurableDecodingError) {}

  func encode(into writer: inout DurableWriter) {}
}

private struct U: DurableCodable {
  static let durableType = "U"
  var durableByteCount: Int { 0 }

  init(decoding bytes: Span<UInt8>) throws(DurableDecodingError) {}

  func encode(into writer: inout DurableWriter) {}
}

private struct N: Codable, Sendable {}
