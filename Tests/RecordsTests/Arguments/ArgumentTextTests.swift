// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import Records
import Testing

@Suite("Arguments in text")
struct ArgumentTextTests {
  @Test(
    arguments: [
      ("a=b", [.text("b")]), ("=", [.text("")]), ("a==", [.text("=")]),
      ("a=null", [.text("null"), .null]), ("a=true", [.text("true"), .bool(true)]),
      ("a=24", [.text("24"), .integer(24), .double(24)]),
      (
        "a=-9223372036854775808", [.text("-9223372036854775808"), .integer(.min), .double(-0x1p63)]
      ),
      ("a=18446744073709551615", [.text("18446744073709551615"), .unsigned(.max)]),
      ("a=-0.5", [.text("-0.5"), .double(-0.5)]),
    ] as [(String, [Value])])
  func `a condition means the text and what is written so`(text: String, values: [Value]) throws {
    #expect(try #require(FieldCondition(parsing: text)).values == values)
  }

  @Test(arguments: ["nan", "-nan", "inf", "infinity", "-inf", "1e309", "0x1p1024"])
  func `a condition means no number that a field cannot hold`(text: String) throws {
    #expect(try #require(FieldCondition(parsing: "a=" + text)).values == [.text(text)])
  }

  @Test func `a combining mark behind the equals sign belongs to the value`() throws {
    let condition = try #require(FieldCondition(parsing: "e=\u{301}"))
    #expect(condition.field == "e")
    #expect(condition.values == [.text("\u{301}")])
    #expect(FieldCondition(parsing: "e\u{301}") == nil)
  }

  @Test func `a condition holds for a record with one of its values`() throws {
    let condition = try #require(FieldCondition(parsing: "n=1"))
    for value: Value in [.text("1"), .integer(1), .double(1)] {
      #expect(condition.holds(for: StoredRecord(key: .integer(0), fields: [.init("n", value)])))
    }
    #expect(!condition.holds(for: StoredRecord(key: .integer(0), fields: [.init("m", .null)])))
    #expect(!condition.holds(for: StoredRecord(key: .integer(0), fields: [.init("n", .null)])))
  }

  @Test func `keys are read as they are written`() {
    #expect(RecordKey(spelled: "-7", as: .integer) == .integer(-7))
    for text in ["+7", "07", "-0", "", " 7", "9223372036854775808", "1.0"] {
      #expect(RecordKey(spelled: text, as: .integer) == nil)
    }
    let uuid = UUIDBytes(high: 0x0011_2233_4455_6677, low: 0x8899_AABB_CCDD_EEFF)
    #expect(
      RecordKey(spelled: "00112233-4455-6677-8899-AABBCCDDEEFF", as: .uuid) == .uuid(uuid))
    #expect(RecordKey(spelled: "00112233445566778899aabbccddeeff", as: .uuid) == nil)
    #expect(RecordKey(spelled: "7", as: .text) == .text("7"))
  }

  @Test func `separators are found whatever follows them`() {
    #expect(ImportOptions.path("a/\u{301}b/~1\u{301}") == ["a", "\u{301}b", "/\u{301}"])
    #expect(ImportOptions.path("//a~2/~") == ["a~2", "~"])
    #expect(ImportOptions.columns("a,\u{301}b") == ["a", "\u{301}b"])
    #expect(ImportOptions.columns("a,,b") == nil)
    #expect(ImportOptions.columns("a,b,a") == nil)
    // Two names, though they look alike.
    #expect(ImportOptions.columns("\u{e9},e\u{301}")?.count == 2)
  }

  @Test func `a delimiter is one character that can stand between cells`() {
    #expect(ImportOptions.delimiter(";") == UInt8(ascii: ";"))
    #expect(ImportOptions.delimiter("\\t") == UInt8(ascii: "\t"))
    for text in ["", ";;", "\"", "\n", "\u{7f}", "é", "\\n"] {
      #expect(ImportOptions.delimiter(text) == nil)
    }
  }
}
