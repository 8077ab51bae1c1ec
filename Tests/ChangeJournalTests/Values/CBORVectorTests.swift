// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import Testing

/// The examples of RFC 8949, appendix A.
struct CBORVectorTests {
  private static func map(_ entries: (String, Value)...) -> Value {
    (try? ValueMap(entries)).map(Value.map) ?? .null
  }

  static let values: [(String, Value)] = [
    ("00", .integer(0)), ("01", .integer(1)), ("0a", .integer(10)), ("17", .integer(23)),
    ("1818", .integer(24)), ("1819", .integer(25)), ("1864", .integer(100)),
    ("1903e8", .integer(1000)), ("1a000f4240", .integer(1_000_000)),
    ("1b000000e8d4a51000", .integer(1_000_000_000_000)),
    ("1bffffffffffffffff", .unsigned(.max)), ("20", .integer(-1)), ("29", .integer(-10)),
    ("3863", .integer(-100)), ("3903e7", .integer(-1000)),
    ("f90000", .double(0)), ("f98000", .double(-0.0)), ("f93c00", .double(1)),
    ("fb3ff199999999999a", .double(1.1)), ("f93e00", .double(1.5)), ("f97bff", .double(65504)),
    ("fa47c35000", .double(100_000)), ("fa7f7fffff", .double(3.4028234663852886e+38)),
    ("fb7e37e43c8800759c", .double(1e300)), ("f90001", .double(5.960464477539063e-8)),
    ("f90400", .double(0.00006103515625)), ("f9c400", .double(-4)),
    ("fbc010666666666666", .double(-4.1)),
    ("f4", .bool(false)), ("f5", .bool(true)), ("f6", .null),
    ("40", .bytes([])), ("4401020304", .bytes([1, 2, 3, 4])), ("60", .text("")),
    ("6161", .text("a")), ("6449455446", .text("IETF")), ("62225c", .text("\"\\")),
    ("62c3bc", .text("\u{fc}")), ("63e6b0b4", .text("\u{6c34}")),
    ("64f0908591", .text("\u{10151}")), ("80", .array([])),
    ("83010203", .array([.integer(1), .integer(2), .integer(3)])),
    (
      "8301820203820405",
      .array([
        .integer(1), .array([.integer(2), .integer(3)]), .array([.integer(4), .integer(5)]),
      ])
    ),
    (
      "98190102030405060708090a0b0c0d0e0f101112131415161718181819",
      .array((1...25).map { .integer($0) })
    ),
    ("a0", map()),
    ("a26161016162820203", map(("a", .integer(1)), ("b", .array([.integer(2), .integer(3)])))),
    ("826161a161626163", .array([.text("a"), map(("b", .text("c")))])),
    (
      "a56161614161626142616361436164614461656145",
      map(
        ("a", .text("A")), ("b", .text("B")), ("c", .text("C")), ("d", .text("D")),
        ("e", .text("E")))
    ),
  ]

  /// Numbers at the limits of 64 bits, which the appendix does not have.
  static let limits: [(String, Value)] = [
    ("1b7fffffffffffffff", .integer(.max)), ("1b8000000000000000", .unsigned(1 << 63)),
    ("3b7fffffffffffffff", .integer(.min)), ("18ff", .integer(255)), ("190100", .integer(256)),
    ("19ffff", .integer(65535)), ("1a00010000", .integer(65536)),
    ("1affffffff", .integer(4_294_967_295)), ("1b0000000100000000", .integer(4_294_967_296)),
    ("fb0000000000000001", .double(.leastNonzeroMagnitude)),
    ("fb7fefffffffffffff", .double(.greatestFiniteMagnitude)),
    ("fa00000001", .double(1.401298464324817e-45)), ("f903ff", .double(6.097555160522461e-5)),
    ("fa38800001", .double(6.103516352595761e-5)), ("fa477ff000", .double(65520)),
  ]

  @Test(arguments: values + limits)
  func `a value has exactly the encoding of the RFC`(hexadecimal: String, value: Value) throws {
    #expect(hex(try value.encoded()) == hexadecimal)
    #expect(try Value(decoding: bytes(hex: hexadecimal)) == value)
  }

  /// What the appendix lists and a value may not be, and what it may not be encoded as.
  static let refused = [
    // Tags, bignums, undefined and other simple values.
    "c249010000000000000000", "3bffffffffffffffff", "c349010000000000000000", "f7", "f0", "f818",
    "f8ff", "c074323031332d30332d32315432303a30343a30305a", "c11a514b67b0", "d74401020304",
    "d818456449455446",
    // Not finite, in each format.
    "f97c00", "f97e00", "f9fc00", "fa7f800000", "fa7fc00000", "faff800000", "fb7ff0000000000000",
    "fb7ff8000000000000", "fbfff0000000000000",
    // Indefinite lengths.
    "5f42010243030405ff", "7f657374726561646d696e67ff", "9fff", "9f018202039f0405ffff",
    "bf61610161629f0203ffff", "ff",
    // Not the shortest form.
    "1800", "1817", "190000", "1900ff", "1a00000000", "1a0000ffff", "1b0000000000000000",
    "1b00000000ffffffff", "3800", "5800", "7800", "7900ff", "9800", "b800", "fa00000000",
    "fa3f800000", "fb3ff0000000000000", "fb47efffffe0000000", "fb8000000000000000",
    "fa33800000",
    // Reserved additional information.
    "1c", "1d", "1e", "3c", "5c", "7d", "9e", "bc", "fc", "fd", "fe",
    // Unordered or repeated names, names that are no texts.
    "a2616201616101", "a2616101616102", "a262616101616202", "a10102", "a1410102", "a1f601",
    // Texts that are not UTF-8.
    "61ff", "62c328", "63e28228", "64f0288cbc", "62c080", "63eda080", "64f4908080",
    // Cut short, or followed by something.
    "", "18", "19", "1903", "1a000f42", "1b000000e8d4a510", "41", "44010203", "62c3", "81", "8301",
    "a1", "a16161", "f9", "f93c", "fb3ff199", "0000", "f6f6", "8000", "a000",
    // Lengths and counts beyond everything.
    "5b7fffffffffffffff", "5bffffffffffffffff", "7bffffffffffffffff", "9bffffffffffffffff",
    "bbffffffffffffffff", "9a7fffffff00", "ba7fffffff00", "5affffffff00", "9b8000000000000000",
  ]

  @Test(arguments: refused)
  func `any other encoding is refused`(hexadecimal: String) {
    #expect(throws: CodingError.self) { try Value(decoding: bytes(hex: hexadecimal)) }
  }
}
