// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
@testable import Records
import TestSupport
import Testing

@Suite("JSON")
struct JSONTests {
  private static func value(_ text: String) throws -> Value {
    try Value(fromJSON: Array(text.utf8))
  }

  private static func text(_ value: Value) -> String {
    String(decoding: value.json, as: UTF8.self)
  }

  private static func problem(_ bytes: [UInt8]) -> JSONError? {
    do {
      _ = try Value(fromJSON: bytes)
      return nil
    } catch {
      return error as? JSONError
    }
  }

  @Test(arguments: [
    ("0", Value.integer(0)), ("-0", .integer(0)), ("-1", .integer(-1)),
    ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
    ("9223372036854775808", .unsigned(1 << 63)), ("18446744073709551615", .unsigned(.max)),
    ("18446744073709551616", .double(18_446_744_073_709_551_616)),
    ("-9223372036854775809", .double(-9_223_372_036_854_775_808)),
    ("1.0", .double(1)), ("-0.0", .double(-0.0)), ("1e3", .double(1000)), ("1E-2", .double(0.01)),
    ("0.1", .double(0.1)), ("123456789.123456789", .double(123_456_789.123456789)),
    ("9007199254740993.0", .double(9_007_199_254_740_992)), ("1e-400", .double(0)),
    ("2.2250738585072014e-308", .double(.leastNormalMagnitude)),
    ("1.7976931348623157e308", .double(.greatestFiniteMagnitude)),
  ])
  func `numbers are exact integers or the nearest doubles`(text: String, value: Value) throws {
    #expect(try Self.value(text) == value)
  }

  @Test(arguments: [
    "1e400", "-1e309", "01", "-", "+1", ".5", "1.", "1e", "1e+", "NaN", "Infinity", "0x10", "1_0",
  ])
  func `what is no number is refused`(text: String) {
    #expect(Self.problem(Array(text.utf8)) != nil)
  }

  @Test func `random doubles come back from their shortest text`() throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    for _ in 0..<20_000 {
      let number = Double(bitPattern: random.next())
      guard number.isFinite else { continue }
      #expect(
        try Self.value(Self.text(.double(number))) == .double(number),
        "seed \(TestEnvironment.seed)")
    }
    for number in [1.0, -0.0, 1e15, 1e16, 1e17, 9_007_199_254_740_992, 1e22, 1e300] {
      #expect(try Self.value(Self.text(.double(number))) == .double(number))
    }
  }

  @Test(arguments: [
    (#""""#, ""), (#""a\"\\\/\b\f\n\r\t""#, "a\"\\/\u{8}\u{c}\n\r\t"), (#""\u00e9é""#, "éé"),
    (#""\ud83d\ude00😀""#, "😀😀"), (#""\u0000\uFFFF""#, "\u{0}\u{ffff}"),
  ])
  func `strings are read with all their escapes`(text: String, expected: String) throws {
    #expect(try Self.value(text) == .text(expected))
  }

  @Test func `bad strings are refused with what is wrong`() {
    let cases: [([UInt8], JSONError.Problem)] = [
      (Array(#""\ud83d""#.utf8), .unpairedSurrogate),
      (Array(#""\ude00\ud83d""#.utf8), .unpairedSurrogate),
      (Array(#""\ud83dx""#.utf8), .unpairedSurrogate), (Array(#""\x""#.utf8), .invalidEscape),
      (Array(#""\u12g4""#.utf8), .invalidEscape),
      (Array("\"a\nb\"".utf8), .controlCharacter(10)),
      ([0x22, 0xff, 0x22], .invalidUTF8), ([0x22, 0xc0, 0x80, 0x22], .invalidUTF8),
      ([0x22, 0xed, 0xa0, 0x80, 0x22], .invalidUTF8),
      ([0x22, 0xf4, 0x90, 0x80, 0x80, 0x22], .invalidUTF8),
      ([0x22, 0xe2, 0x82, 0x22], .invalidUTF8), (Array(#""abc"#.utf8), .unexpectedEnd),
    ]
    for (bytes, expected) in cases { #expect(Self.problem(bytes)?.problem == expected) }
  }

  @Test func `a member that is repeated is refused, also when it is written otherwise`() {
    for text in [
      #"{"a":1,"a":1}"#, #"{"a":1,"b":2,"\u0061":3}"#, #"[{"x":{"k":1,"j":0,"k":2}}]"#,
    ] {
      guard case .duplicateMember = Self.problem(Array(text.utf8))?.problem else {
        Issue.record("\(text) was accepted")
        continue
      }
    }
    // Equal to the eye and other bytes: two members.
    #expect(Self.problem(Array(#"{"é":1,"e\#u{301}":2}"#.utf8)) == nil)
  }

  @Test func `at most 128 arrays and objects stand inside each other`() throws {
    for (open, close) in [("[", "]"), (#"{"a":"#, "}")] {
      let inner = open == "[" ? "" : "1"
      let nested = { (depth: Int) in
        String(repeating: open, count: depth) + inner + String(repeating: close, count: depth)
      }
      #expect(Self.problem(Array(nested(128).utf8)) == nil)
      #expect(Self.problem(Array(nested(129).utf8))?.problem == .tooDeep(limit: 128))
      #expect(Self.problem(Array(nested(100_000).utf8))?.problem == .tooDeep(limit: 128))
    }
    // What only wraps something does not count, whatever surrounds it.
    let wrap = { (text: String, depth: Int) in
      String(repeating: "[", count: depth) + text + String(repeating: "]", count: depth)
    }
    #expect(Self.problem(Array(wrap(#"{"$bytes":""}"#, 128).utf8)) == nil)
    #expect(Self.problem(Array(wrap(#"{"$map":{"$bytes":1}}"#, 127).utf8)) == nil)
    #expect(
      Self.problem(Array(wrap(#"{"$map":{"a":1}}"#, 128).utf8))?.problem == .tooDeep(limit: 128))
    #expect(
      Self.problem(Array(wrap(#"{"$map":{"a":1},"b":1}"#, 127).utf8))?.problem
        == .tooDeep(limit: 128))
  }

  @Test func `byte strings and maps that look like them are written so that both come back`()
    throws
  {
    let values: [Value] = try [
      .bytes([]), .bytes([0]), .bytes([1, 2]), .bytes([1, 2, 3]),
      .map(ValueMap([("$bytes", .text("AA=="))])), .map(ValueMap([("$bytes", .integer(5))])),
      .map(ValueMap([("$map", .integer(5))])),
      .map(ValueMap([("$map", .map(ValueMap([("$bytes", .text("AA=="))])))])),
      .map(ValueMap([("$bytes", .text("AA==")), ("x", .null)])),
      .map(ValueMap([("$map", .map(ValueMap([("$bytes", .text("AA=="))]))), ("x", .null)])),
      .map(ValueMap([("$map", .bytes([7])), ("x", .null)])),
    ]
    for value in values { #expect(try Self.value(Self.text(value)) == value) }
    #expect(Self.text(.bytes([0, 1])) == #"{"$bytes":"AAE="}"#)
    #expect(Self.text(values[4]) == #"{"$map":{"$bytes":"AA=="}}"#)
    // Company makes `$map` an ordinary name, and what it holds is read like anything else.
    #expect(
      try Self.value(#"{"$map":{"$bytes":"AA=="},"b":1}"#)
        == .map(ValueMap([("b", .integer(1)), ("$map", .bytes([0]))])))
    for text in [
      #"{"$bytes":5}"#, #"{"$bytes":"A"}"#, #"{"$bytes":"AB=="}"#, #"{"$bytes":"A A="}"#,
      #"{"$bytes":"===="}"#, #"{"$map":5}"#,
    ] {
      guard case .invalidWrapper = Self.problem(Array(text.utf8))?.problem else {
        Issue.record("\(text) was accepted")
        continue
      }
    }
  }

  @Test func `wrappers inside each other take no more than their length`() throws {
    // Each level is looked over once before it is read; twice for each would never end.
    var count = 0
    for (open, close) in [
      (#"{"$map":"#, "}"), (#"{"$map":"#, #","x":1}"#), (#"{"$map":{"$map":"#, #"},"x":1}"#),
    ] {
      for depth in [20, 60, 100_000] {
        let text =
          String(repeating: open, count: depth) + "{}"
          + String(repeating: close, count: depth)
        guard let value = try? Value(fromJSON: Array(text.utf8)) else { continue }
        count += 1
        #expect(try Value(fromJSON: value.json) == value)
      }
    }
    #expect(count > 0)
  }

  @Test func `random values come back exactly`() throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    for _ in 0..<3000 {
      let value = try RandomValues.value(&random, depth: 4)
      #expect(try Self.value(Self.text(value)) == value, "seed \(TestEnvironment.seed)")
      var parser = JSONParser()
      var encoded: [UInt8] = []
      try parser.parseValue(value.json.span, into: &encoded)
      let expected = try value.encoded()
      #expect(encoded == expected, "seed \(TestEnvironment.seed)")
    }
  }

  @Test func `an error names line and character`() {
    let error = Self.problem(Array("{\n  \"é\": [1,\n 2, x]}".utf8))
    #expect(error?.line == 3)
    #expect(error?.column == 5)
    #expect(error?.description.contains("line 3, column 5") == true)
  }

  @Test func `a text cut anywhere is refused as ending too early`() throws {
    let text = Array(#"{"a":[1.5e3,true,null,"é\u00e9"],"b":{"$bytes":"AAE="}}"#.utf8)
    #expect(Self.problem(text) == nil)
    for length in 0..<text.count {
      #expect(Self.problem(Array(text[..<length]))?.problem == .unexpectedEnd, "\(length) bytes")
    }
  }

  @Test func `a flipped bit never does harm`() throws {
    let text = Array(#"{"a":[1.5e3,true,null,"é\ud83d\ude00"],"$map":{"$bytes":"AAE="}}"#.utf8)
    for bit in 0..<text.count * 8 {
      var damaged = text
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      // Read or refused; what is read is written and read again as the same.
      guard let value = try? Value(fromJSON: damaged) else { continue }
      #expect(try Value(fromJSON: value.json) == value)
    }
  }
}
