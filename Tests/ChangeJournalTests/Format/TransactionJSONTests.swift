// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import ChangeJournal

struct TransactionJSONTests {
  private func line(_ transaction: EncodedTransaction) throws -> String {
    String(decoding: try TransactionJSON.line(transaction), as: UTF8.self)
  }

  private func text(_ value: Value) -> String {
    var text = JSONText()
    text.append(value)
    return String(decoding: text.bytes, as: UTF8.self)
  }

  @Test func `a transaction is one line with the members of the document in their order`() throws {
    var dependencies = VersionVector()
    dependencies[Samples.origin(3)] = 7
    dependencies[Samples.origin(2)] = 1
    let transaction = try Samples.encoded(Samples.transaction(dependencies: dependencies))
    let one = "01010101010101010101010101010101.0101010101010101"
    let expected =
      #"{"origin":"\#(one)","sequence":1,"timestamp":111411200000000007,"#
      + #""time":"2023-11-14T22:13:20.000Z","dependencies":{"#
      + #""02020202020202020202020202020202.0202020202020202":1,"#
      + #""03030303030303030303030303030303.0303030303030303":7},"#
      + #""schemaEpoch":0,"hash":"\#(transaction.hash)","operations":["#
      + #"{"collection":"countries","key":{"type":"integer","value":4},"kind":"patch","#
      + #""fields":{"name":"Afghanistan"},"removed":[]},"#
      + #"{"collection":"people","key":{"type":"text","value":"ada"},"kind":"patch","#
      + #""fields":{"born":1815,"name":"Ada"},"removed":[]},"#
      + #"{"collection":"people","key":{"type":"text","value":"ada"},"kind":"patch","#
      + #""fields":{},"removed":["born"]},"#
      + #"{"collection":"people","key":{"type":"uuid","value":"00000000-0000-0001-0000-000000000002"},"#
      + #""kind":"patch","fields":{},"removed":[]},"#
      + #"{"collection":"people","key":{"type":"integer","value":-1},"kind":"delete"}]}"#
    #expect(try line(transaction) == expected)
  }

  @Test func `values are written as the document says`() throws {
    let pairs: [(Value, String)] = [
      (.null, "null"), (.bool(true), "true"), (.bool(false), "false"),
      (.integer(.min), "-9223372036854775808"), (.unsigned(.max), "18446744073709551615"),
      (
        .text("a\"b\\c\u{8}\t\n\u{c}\r\u{0}\u{1b}\u{7f}\u{9b}\u{a0}é"),
        #""a\"b\\c\b\t\n\f\r\u0000\u001b\u007f\u009b\#u{a0}é""#
      ),
      (.bytes([]), #"{"$bytes":""}"#), (.bytes([1]), #"{"$bytes":"AQ=="}"#),
      (.bytes([1, 2]), #"{"$bytes":"AQI="}"#), (.bytes([255, 254, 253]), #"{"$bytes":"//79"}"#),
      (.array([.integer(1), .array([])]), "[1,[]]"), (.map(ValueMap()), "{}"),
      (.map(try ValueMap([("b", .integer(1)), ("", .null)])), #"{"":null,"b":1}"#),
      (.map(try ValueMap([("$bytes", .text("AQ=="))])), #"{"$map":{"$bytes":"AQ=="}}"#),
      (.map(try ValueMap([("$map", .null)])), #"{"$map":{"$map":null}}"#),
      (.map(try ValueMap([("$map", .null), ("a", .null)])), #"{"a":null,"$map":null}"#),
    ]
    for (value, expected) in pairs { #expect(text(value) == expected) }
  }

  @Test(arguments: [
    (0.0, "0.0"), (-0.0, "-0.0"), (1, "1.0"), (-1.5, "-1.5"), (0.1, "0.1"), (0.0001, "0.0001"),
    (0.00001, "1e-05"), (2.5e-7, "2.5e-07"), (1e15, "1000000000000000.0"),
    (9_007_199_254_740_992, "9007199254740992.0"), (9999999999999998, "9999999999999998.0"),
    (1e16, "1e+16"), (-1.2345678901234568e16, "-1.2345678901234568e+16"),
    (18014398509481984, "1.8014398509481984e+16"), (1e17, "1e+17"), (1e100, "1e+100"),
    (1.7976931348623157e308, "1.7976931348623157e+308"), (.leastNonzeroMagnitude, "5e-324"),
  ])
  func `a double is written with the shortest digits and never as an integer`(
    number: Double, expected: String
  ) {
    #expect(JSONText.text(of: number) == expected)
  }

  @Test(arguments: testSeeds(20))
  func `doubles read back as they were`(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    for _ in 0..<1000 {
      let number = generator.double()
      let text = JSONText.text(of: number)
      #expect(Double(text)?.bitPattern == number.bitPattern, "\(text)")
      #expect(text.contains(".") || text.contains("e"), "\(text)")
    }
  }

  @Test(arguments: [
    (0, "1970-01-01T00:00:00.000Z"), (951_782_400_001, "2000-02-29T00:00:00.001Z"),
    (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
    (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
    (253_402_300_800_000, "10000-01-01T00:00:00.000Z"),
    (281_474_976_710_655, "10889-08-02T05:31:50.655Z"),
  ])
  func `times are written as RFC 3339`(milliseconds: UInt64, expected: String) {
    #expect(CalendarTime.text(milliseconds: milliseconds) == expected)
  }

  @Test func `any number of milliseconds can be written`() {
    #expect(CalendarTime.text(milliseconds: .max).hasSuffix("Z"))
  }
}
