// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
@testable import Records
import TestSupport
import Testing

@Suite("Listing records")
struct ListingTests {
  private static func list(
    _ replica: TestReplica, from: RecordKey? = nil, prefix: String? = nil, reversed: Bool = false
  ) throws -> [RecordKey] {
    try replica.store.read { view in
      var records = try view.records(in: "c", from: from, prefix: prefix, reversed: reversed)
      var keys: [RecordKey] = []
      while let record = try records.next() { keys.append(record.key) }
      return keys
    }
  }

  private static let uuid = UUIDBytes(high: 0x0123_4567_89ab_cdef, low: 42)
  private static let keys: [RecordKey] = [
    .integer(.min), .integer(-1), .integer(0), .integer(256), .integer(.max), .text(""),
    .text("a"), .text("ab"), .text("b"), .text("é"), .text("\u{10ffff}"), .uuid(uuid),
  ]

  private static func fill(_ replica: TestReplica) throws {
    try replica.store.write { transaction in
      for key in keys.shuffled() { try transaction.put("c", key, []) }
      try transaction.put("c", .text("aa"), [])
      try transaction.delete("c", .text("aa"))
    }
  }

  @Test func `integers come first, then texts by bytes, then UUIDs`() throws {
    try withReplica { replica in
      try Self.fill(replica)
      #expect(try Self.list(replica) == Self.keys)
      #expect(try Self.list(replica, reversed: true) == Self.keys.reversed())
      #expect(try replica.store.read { try $0.count(of: "c") } == UInt64(Self.keys.count))
    }
  }

  @Test func `a prefix selects text keys, a first key what is not before it`() throws {
    try withReplica { replica in
      try Self.fill(replica)
      #expect(try Self.list(replica, prefix: "a") == [.text("a"), .text("ab")])
      #expect(
        try Self.list(replica, from: .text("aa"), prefix: "a", reversed: true) == [.text("ab")])
      #expect(try Self.list(replica, prefix: "\u{10ffff}") == [.text("\u{10ffff}")])
      #expect(
        try Self.list(replica, from: .integer(1)) == Array(Self.keys.dropFirst(3)))
      #expect(try Self.list(replica, prefix: "") == Array(Self.keys[5..<11]))
      #expect(try Self.list(replica, from: .uuid(Self.uuid)) == [.uuid(Self.uuid)])
    }
  }

  @Test func `fields are listed by the bytes of their names`() throws {
    try withReplica { replica in
      try replica.store.put(
        "c", .text("k"), ["b": .null, "aa": .null, "é": .null, "": .null, "Z": .null])
      #expect(
        try replica.store.get("c", .text("k"))?.fields.map(\.name) == ["", "Z", "aa", "b", "é"])
    }
  }

  @Test func `a record that never was, a deleted one and no collection are all nothing`() throws {
    try withReplica { replica in
      try Self.fill(replica)
      #expect(try replica.store.get("c", .text("aa")) == nil)
      #expect(try replica.store.get("c", .text("none")) == nil)
      #expect(try replica.store.get("none", .text("a")) == nil)
      #expect(try replica.store.get("c", .text(String(repeating: "k", count: 2000))) == nil)
      #expect(try replica.store.read { try $0.count(of: "none") } == 0)
      #expect(try Self.list(replica, from: .text("zz"), prefix: "a").isEmpty)
    }
  }

  @Test func `every kind of value comes back as it was`() throws {
    try withReplica { replica in
      let values: [Value] = try [
        .null, .bool(true), .bool(false), .integer(0), .integer(.min), .integer(.max),
        Value(UInt64.max), .double(0), .double(-0.0), .double(0.1), .double(1e300),
        .double(.leastNonzeroMagnitude), .double(65504), .double(65536), .text(""),
        .text("\u{0}é😀"), .bytes([]),
        .bytes([0, 255]), .array([]), .array([.null, .array([.text("x")])]), .map(ValueMap()),
        .map(ValueMap([("bb", .integer(1)), ("a", .map(ValueMap([("$bytes", .text("!"))])))])),
      ]
      try replica.store.write { transaction in
        for (number, value) in values.enumerated() {
          try transaction.put("c", .integer(Int64(number)), [.init("v", value)])
        }
      }
      try replica.reopen()
      for (number, value) in values.enumerated() {
        #expect(try replica.store.get("c", .integer(Int64(number)))?["v"] == value)
      }
    }
  }
}
