// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import TestSupport
import Testing

struct ValueTests {
  @Test(arguments: testSeeds(200))
  func `a random value survives encoding and has one encoding`(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    for _ in 0..<20 {
      let value = generator.value()
      let encoded = try value.encoded()
      let decoded = try Value(decoding: encoded)
      #expect(decoded == value)
      #expect(decoded.hashValue == value.hashValue)
      #expect(try decoded.encoded() == encoded)
    }
  }

  @Test(arguments: testSeeds(50))
  func `damaged encodings are refused or are the encoding of another value`(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    for _ in 0..<50 {
      var encoded = try generator.value().encoded()
      let place = Int.random(in: 0..<encoded.count, using: &generator)
      encoded[place] = UInt8(truncatingIfNeeded: generator.next())
      if let value = try? Value(decoding: encoded) {
        #expect(try value.encoded() == encoded)
      }
    }
  }

  @Test func `texts are equal only when their bytes are`() throws {
    let (one, two) = (Value.text("\u{e9}"), Value.text("e\u{301}"))
    #expect("\u{e9}" == "e\u{301}", "Swift takes them for equal: the reason for this test")
    #expect(one != two)
    #expect(try one.encoded() != two.encoded())
    #expect(try Value(decoding: two.encoded()) == two)
    let map = try ValueMap([("\u{e9}", .null), ("e\u{301}", .null)])
    #expect(map.entries.count == 2)
    #expect(map["\u{e9}"] == .null)
    #expect(try Value(decoding: Value.map(map).encoded()) == .map(map))
  }

  @Test func `numbers are equal only when their encodings are`() {
    #expect(Value.integer(1) != .double(1))
    #expect(Value.double(0) != .double(-0.0))
    #expect(Value.integer(7) == .unsigned(7))
    #expect(Value.integer(7).hashValue == Value.unsigned(7).hashValue)
    #expect(Value(7) == .integer(7))
    #expect(Value(UInt64.max) == .unsigned(.max))
    #expect(Value.integer(-1) != .unsigned(.max))
  }

  @Test func `numbers that are not finite cannot be encoded`() {
    for number in [Double.nan, .infinity, -.infinity, .signalingNaN] {
      #expect(throws: CodingError(offset: 1, problem: .notFinite)) {
        try Value.array([.double(number)]).encoded()
      }
    }
  }

  private func nested(_ depth: Int) -> Value {
    (0..<depth).reduce(Value.integer(1)) { value, level in
      level.isMultiple(of: 2)
        ? .array([value]) : ((try? ValueMap([("a", value)])).map(Value.map) ?? .null)
    }
  }

  @Test func `values nest to the limit and no deeper`() throws {
    let deepest = nested(JournalLimits.valueDepth)
    #expect(try Value(decoding: deepest.encoded()) == deepest)
    let limit = JournalLimits.valueDepth
    #expect(throws: CodingError.self) { try nested(limit + 1).encoded() }
    let arrays = Array(repeating: UInt8(0x81), count: limit + 1) + [0x01]
    #expect(throws: CodingError(offset: limit, problem: .tooDeep(limit: limit))) {
      try Value(decoding: arrays)
    }
    #expect(throws: CodingError.self) {
      try Value(decoding: Array(repeating: 0x81, count: 1_000_000))
    }
  }

  @Test func `a map has each name once`() {
    #expect(throws: CodingError.self) { try ValueMap([("a", .null), ("b", .null), ("a", .null)]) }
  }

  @Test func `a map orders shorter names first and ignores the order given`() throws {
    let map = try ValueMap([
      ("b", .integer(1)), ("aa", .integer(2)), ("", .integer(3)), ("a", .null),
    ])
    #expect(map.entries.map(\.key) == ["", "a", "b", "aa"])
    #expect(map["aa"] == .integer(2))
    #expect(map["x"] == nil)
    let same = try ValueMap([
      ("a", .null), ("", .integer(3)), ("aa", .integer(2)), ("b", .integer(1)),
    ])
    #expect(map == same)
  }

  @Test func `an error names the place`() {
    #expect(throws: CodingError(offset: 3, problem: .invalidText)) {
      try Value(decoding: bytes(hex: "820161ff"))
    }
    #expect(throws: CodingError(offset: 2, problem: .unexpectedEnd)) {
      try Value(decoding: bytes(hex: "82015901ff"))
    }
  }
}
