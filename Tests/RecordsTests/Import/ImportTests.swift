// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
@testable import Records
import StorageEngine
import TestSupport
import Testing

@Suite("Import")
struct ImportTests {
  @discardableResult
  static func run(
    _ text: String, _ format: ImportOptions.Format = .jsonLines, into replica: TestReplica,
    key: String? = nil, collection: String? = "c", adjust: (inout ImportOptions) -> Void = { _ in }
  ) throws -> ImportProgress {
    var options = ImportOptions(format, collection: collection, keyField: key)
    adjust(&options)
    return try replica.store.importRecords(
      from: ImportInput(name: "input", bytes: Array(text.utf8)), options)
  }

  @Test func `JSON lines become records, and the same file again no transaction`() throws {
    try withReplica { replica in
      let text = """
        {"_key":"a","n":1,"t":"é"}

        {"_key":-5,"x":[1,{"b":2,"a":1}]}\r
        {"_key":{"$uuid":"00112233-4455-6677-8899-aabbccddeeff"}}
        """
      let done = try Self.run(text, into: replica)
      #expect(done.records == 3 && done.written == 3 && done.transactions == 1 && done.line == 4)
      #expect(done.bytes == UInt64(text.utf8.count))
      #expect(
        try replica.store.get("c", .text("a"))?.values == ["n": .integer(1), "t": .text("é")])
      #expect(try replica.store.get("c", .integer(-5))?["x"] != nil)
      let uuid = try #require(UUIDBytes("00112233-4455-6677-8899-aabbccddeeff"))
      #expect(try replica.store.get("c", .uuid(uuid))?.fields == [])
      let again = try Self.run(text, into: replica)
      #expect(again.records == 3 && again.written == 0 && again.transactions == 0)
      #expect(try replica.store.transactionCount() == 1)
    }
  }

  @Test func `a named key field stays a field, and a printed key is passed over`() throws {
    try withReplica { replica in
      try Self.run(#"{"_key":"old","_collection":"c","id":7}"#, into: replica, key: "id")
      #expect(try replica.store.get("c", .integer(7))?.values == ["id": .integer(7)])
    }
  }

  @Test func `importing replaces records`() throws {
    try withReplica { replica in
      try Self.run(#"{"_key":"a","x":1,"y":2}"#, into: replica)
      let done = try Self.run(#"{"_key":"a","y":2,"z":3}"#, into: replica)
      #expect(done.written == 1)
      #expect(
        try replica.store.get("c", .text("a"))?.values == ["y": .integer(2), "z": .integer(3)])
    }
  }

  @Test(arguments: [1, 2, 3, 100])
  func `of a key that is repeated the last wins, and again makes no transaction`(batch: Int)
    throws
  {
    try withReplica { replica in
      let text = ["a", "b", "a", "c", "b", "a"].enumerated().map {
        #"{"_key":"\#($1)","n":\#($0)}"#
      }.joined(separator: "\n")
      try Self.run(text, into: replica) { $0.batchRecords = batch }
      for (key, number) in [("a", 5), ("b", 4), ("c", 3)] as [(String, Int64)] {
        #expect(try replica.store.get("c", .text(key))?["n"] == .integer(number))
      }
      let before = try replica.store.transactionCount()
      for other in [1, 2, 4, 100] {
        let done = try Self.run(text, into: replica) { $0.batchRecords = other }
        #expect(done.written == 0)
      }
      #expect(try replica.store.transactionCount() == before)
    }
  }

  @Test func `records are cut into transactions, and names in any order are one form`() throws {
    try withReplica { replica in
      var text = ""
      for number in 0..<25 {
        text +=
          number % 2 == 0
          ? #"{"_key":\#(number),"b":1,"a":2}"# + "\n"
          : #"{"_key":\#(number),"c":3,"b":\#(number)}"# + "\n"
      }
      let done = try Self.run(text, into: replica) { $0.batchRecords = 10 }
      #expect(done.transactions == 3)
      // `transaction()` takes canonical bytes only.
      let operations = try replica.transactions().map {
        try $0.transaction().parts[0].operations.count
      }
      #expect(operations == [10, 10, 5])
    }
  }

  @Test func `names of records that are not written are not in the journal`() throws {
    try withReplica { replica in
      try Self.run(#"{"_key":"a","x":1}"#, into: replica)
      try Self.run(
        """
        {"_key":"a","x":1}
        {"_key":"b","y":1,"w":2}
        {"_key":"c","w":1}
        """, into: replica)
      let last = try #require(try replica.transactions().last)
      #expect(try last.transaction().parts[0].operations.count == 2)
    }
  }

  @Test func `without a collection each record names its own`() throws {
    try withReplica { replica in
      let text = """
        {"_key":"k","_collection":"b","n":1}
        {"_key":"k","_collection":"a","n":2}
        {"_key":"k","_collection":"b","n":3}
        """
      try Self.run(text, into: replica, collection: nil)
      #expect(try replica.store.get("a", .text("k"))?["n"] == .integer(2))
      #expect(try replica.store.get("b", .text("k"))?["n"] == .integer(3))
      #expect(try Self.run(text, into: replica, collection: nil).written == 0)
    }
  }

  @Test func `an array inside a JSON document is found by its path`() throws {
    try withReplica { replica in
      let text = """
        \u{feff}{"skip":[{"3166-1":1},"]"],"x":{"a/b":0,
         "3166-1":[
          {"alpha_2":"AW","n":1},
          {"alpha_2":"AF"}
        ], "y":{}},"z":null}

        """
      let path = ImportOptions.path("x/3166-1")
      #expect(path == ["x", "3166-1"])
      #expect(ImportOptions.path("a~1b/c~0d") == ["a/b", "c~d"])
      let done = try Self.run(text, .json(path: path), into: replica, key: "alpha_2")
      #expect(done.records == 2 && done.line == 4)
      #expect(try replica.store.get("c", .text("AW"))?["n"] == .integer(1))
      #expect(try Self.run("[]", .json(path: []), into: replica).records == 0)
      #expect(
        try Self.run(#" [ {"_key":1} , {"_key":2} ] "#, .json(path: []), into: replica).records
          == 2)
    }
  }

  @Test(
    arguments: [
      // {"x":12,"a":[{"_key":1}]}
      [
        0x7b, 0x22, 0x78, 0x22, 0x3a, 0x31, 0x32, 0x2c, 0x22, 0x61, 0x22, 0x3a, 0x5b, 0x7b, 0x22,
        0x5f, 0x6b, 0x65, 0x79, 0x22, 0x3a, 0x31, 0x7d, 0x5d, 0x7d,
      ],
      // {"a":[{"_key":1}],"x":-1.5e3}
      [
        0x7b, 0x22, 0x61, 0x22, 0x3a, 0x5b, 0x7b, 0x22, 0x5f, 0x6b, 0x65, 0x79, 0x22, 0x3a, 0x31,
        0x7d, 0x5d, 0x2c, 0x22, 0x78, 0x22, 0x3a, 0x2d, 0x31, 0x2e, 0x35, 0x65, 0x33, 0x7d,
      ],
    ] as [[UInt8]])
  func `a number that is passed over may come in pieces`(text: [UInt8]) throws {
    let options = ImportOptions(.json(path: ["a"]), collection: "c")
    for count in 1...text.count {
      var rest = text[...]
      let input = ImportInput(name: "pieces of \(count) bytes") { _ in
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
      }
      #expect(try options.check(input).records == 1)
    }
  }

  @Test func `CSV cells are text, and an empty one is absent`() throws {
    try withReplica { replica in
      let text = "\u{feff}name,code,note\r\nAruba,AW,\r\n\"Åland, \"\"Islands\"\"\",AX,\"a\nb\"\r\n"
      let format = ImportOptions.Format.csv(delimiter: UInt8(ascii: ","), columns: nil)
      let done = try Self.run(text, format, into: replica, key: "code")
      #expect(done.records == 2 && done.line == 3)
      #expect(
        try replica.store.get("c", .text("AW"))?.values
          == ["name": .text("Aruba"), "code": .text("AW")])
      #expect(try replica.store.get("c", .text("AX"))?["name"] == .text("Åland, \"Islands\""))
      #expect(try replica.store.get("c", .text("AX"))?["note"] == .text("a\nb"))
      #expect(try Self.run(text, format, into: replica, key: "code").written == 0)
    }
  }

  @Test func `columns can be given for a file without a header`() throws {
    try withReplica { replica in
      let format = ImportOptions.Format.csv(
        delimiter: UInt8(ascii: ";"), columns: ["_key", "name", "class", "old"])
      try Self.run(
        "0022;QUOTATION MARK;Po;\n0041;LATIN \"CAPITAL\" LETTER A;Lu;x\n", format, into: replica)
      #expect(
        try replica.store.get("c", .text("0041"))?.fields.map(\.name) == ["class", "name", "old"])
    }
  }

  @Test func `any length of reads gives the same records`() throws {
    let text = "{\"_key\":\"a\",\"n\":1}\n{\"_key\":\"é\",\"n\":[2,\"😀\"]}\n"
    for (source, format) in [
      (text, ImportOptions.Format.jsonLines),
      ("[" + text.split(separator: "\n").joined(separator: ",") + "]", .json(path: [])),
      ("_key,n\na,1\né,\"2,😀\"\n", .csv(delimiter: UInt8(ascii: ","), columns: nil)),
    ] {
      for step in 1..<8 {
        try withReplica { replica in
          var rest = Array(source.utf8)[...]
          let input = ImportInput(name: "input") { _ in
            defer { rest = rest.dropFirst(step) }
            return Array(rest.prefix(step))
          }
          let done = try replica.store.importRecords(
            from: input, ImportOptions(format, collection: "c"))
          #expect(done.records == 2)
          #expect(try replica.store.get("c", .text("é")) != nil)
        }
      }
    }
  }
}
