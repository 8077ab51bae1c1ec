// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import TestSupport
import Testing

struct RecordKeyTests {
  static let ascending: [RecordKey] = [
    .integer(.min), .integer(.min + 1), .integer(-256), .integer(-1), .integer(0), .integer(1),
    .integer(255), .integer(256), .integer(.max), .text(""), .text("\0"), .text("A"), .text("a"),
    .text("a\0"), .text("aa"), .text("b"), .text("e\u{301}"), .text("\u{e9}"), .text("\u{ffff}"),
    .text("\u{10000}"), .uuid(UUIDBytes(high: 0, low: 0)), .uuid(UUIDBytes(high: 0, low: .max)),
    .uuid(UUIDBytes(high: 1, low: 0)), .uuid(UUIDBytes(high: .max, low: .max)),
  ]

  @Test func `keys order as documented and their ordered bytes alike`() {
    for (slot, left) in Self.ascending.enumerated() {
      for (other, right) in Self.ascending.enumerated() {
        #expect((left < right) == (slot < other), "\(left) \(right)")
        #expect((left == right) == (slot == other), "\(left) \(right)")
        #expect(
          left.orderedBytes.lexicographicallyPrecedes(right.orderedBytes) == (slot < other),
          "\(left) \(right)")
      }
    }
  }

  @Test(arguments: testSeeds(20))
  func `random keys order as their bytes and survive both encodings`(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    let keys = (0..<100).map { _ in generator.key() }
    #expect(
      keys.sorted().map(\.orderedBytes)
        == keys.map(\.orderedBytes).sorted { $0.lexicographicallyPrecedes($1) })
    for key in keys {
      #expect(try RecordKey(orderedBytes: key.orderedBytes) == key)
      var writer = CBORWriter()
      try writer.write(key)
      var reader = CBORReader(writer.bytes)
      #expect(try reader.readKey() == key)
      try reader.finish()
    }
  }

  @Test func `ordered bytes are as documented`() {
    #expect(hex(RecordKey.integer(5).orderedBytes) == "018000000000000005")
    #expect(hex(RecordKey.integer(-1).orderedBytes) == "017fffffffffffffff")
    #expect(hex(RecordKey.text("ab").orderedBytes) == "026162")
    #expect(
      hex(RecordKey.uuid(UUIDBytes(high: 1, low: 2)).orderedBytes)
        == "0300000000000000010000000000000002")
  }

  @Test(arguments: [
    "", "00", "01", "0180000000000000", "018000000000000000ff", "02ff", "03", "03000102",
    "0400", "ff",
  ])
  func `bytes that are no key are refused`(hexadecimal: String) {
    #expect(throws: CodingError.self) { try RecordKey(orderedBytes: bytes(hex: hexadecimal)) }
  }

  @Test func `a text key has at most 900 bytes`() throws {
    let longest = RecordKey.text(String(repeating: "\u{e9}", count: 450))
    let tooLong = RecordKey.text(String(repeating: "a", count: 901))
    var writer = CBORWriter()
    try writer.write(longest)
    #expect(try RecordKey(orderedBytes: longest.orderedBytes) == longest)
    #expect(throws: CodingError.self) { try writer.write(tooLong) }
    #expect(throws: CodingError.self) { try RecordKey(orderedBytes: tooLong.orderedBytes) }
    var plain = CBORWriter()
    plain.write(text: String(repeating: "a", count: 901))
    #expect(throws: CodingError.self) {
      var reader = CBORReader(plain.bytes)
      _ = try reader.readKey()
    }
  }

  @Test(arguments: ["f6", "80", "40", "d82440", "d8254f0102", "d825f6", "1bffffffffffffffff"])
  func `items that are no key are refused`(hexadecimal: String) {
    #expect(throws: CodingError.self) {
      var reader = CBORReader(bytes(hex: hexadecimal))
      _ = try reader.readKey()
    }
  }
}
