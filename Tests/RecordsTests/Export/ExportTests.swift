// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
@testable import Records
import TestSupport
import Testing

@Suite("Export")
struct ExportTests {
  private static func fill(_ replica: TestReplica) throws {
    let uuid = UUIDBytes(high: 1, low: 2)
    try replica.store.put("b", .text("z\"\n"), ["t": .text("a,\"b\""), "n": .integer(-1)])
    try replica.store.put("b", .integer(5), ["d": .double(1), "n": .unsigned(.max)])
    try replica.store.put("b", .uuid(uuid), ["x": .bytes([1, 2, 3]), "é": .array([.null])])
    try replica.store.put("a", .text("only"), [:])
    try replica.store.put("b", .text("gone"), ["t": .null])
    try replica.store.write { try $0.delete("b", .text("gone")) }
  }

  @Test func `JSON lines have the key first, then the fields by name`() throws {
    try withReplica { replica in
      try Self.fill(replica)
      #expect(
        try replica.exported("b") == #"""
          {"_key":5,"d":1.0,"n":18446744073709551615}
          {"_key":"z\"\n","n":-1,"t":"a,\"b\""}
          {"_key":{"$uuid":"00000000-0000-0001-0000-000000000002"},"x":{"$bytes":"AQID"},"é":[null]}

          """#)
      #expect(try replica.exported("none") == "")
      #expect(try replica.exported().hasPrefix(#"{"_key":"only","_collection":"a"}"# + "\n"))
    }
  }

  @Test func `a JSON document is an array, also of nothing`() throws {
    try withReplica { replica in
      try Self.fill(replica)
      #expect(try replica.exported("a", as: .json) == "[\n{\"_key\":\"only\"}\n]\n")
      #expect(try replica.exported("none", as: .json) == "[]\n")
      #expect(try Value(fromJSON: Array(replica.exported(as: .json).utf8)) != .null)
    }
  }

  @Test func `CSV has a column for every field`() throws {
    try withReplica { replica in
      try Self.fill(replica)
      #expect(
        try replica.exported("b", as: .csv) == """
          _key,d,n,t,x,é
          5,1.0,18446744073709551615,,,
          "z""
          ",,-1,"a,""b""\",,
          00000000-0000-0001-0000-000000000002,,,,"{""$bytes"":""AQID""}",[null]

          """)
      #expect(try replica.exported("none", as: .csv) == "_key\n")
      #expect(try replica.exported(as: .csv).hasPrefix("_key,_collection,d,n,t,x,é\nonly,a,"))
    }
  }

  @Test func `what is exported and imported again is exactly the same`() throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    try withReplica { one in
      try one.store.write { transaction in
        for number in 0..<300 {
          let key: RecordKey =
            switch number % 3 {
            case 0: .integer(Int64(bitPattern: random.next()))
            case 1: .text(RandomValues.text(&random))
            default: .uuid(UUIDBytes(high: random.next(), low: random.next()))
            }
          var fields: [String: Value] = [:]
          for _ in 0..<random.below(5) {
            fields[RandomValues.text(&random)] = try RandomValues.value(&random, depth: 3)
          }
          try transaction.put(
            RandomValues.text(&random) + "c", key, fields.map { .init($0.key, $0.value) })
        }
      }
      for (format, again) in [
        (ExportFormat.jsonLines, ImportOptions.Format.jsonLines), (.json, .json(path: [])),
      ] {
        let text = try one.exported(as: format)
        try withReplica(seed: 9) { two in
          try ImportTests.run(text, again, into: two, collection: nil)
          #expect(try two.exported(as: format) == text, "seed \(TestEnvironment.seed)")
          #expect(try ImportTests.run(text, again, into: one, collection: nil).written == 0)
        }
      }
    }
  }

  @Test func `a record printed alone is the line of the export`() throws {
    try withReplica { replica in
      try Self.fill(replica)
      var lines = ""
      try replica.store.read { view in
        var records = try view.records(in: "b")
        while let record = try records.next() {
          lines += String(decoding: record.json, as: UTF8.self) + "\n"
          let fields = try RecordObject(json: record.json).fields
          #expect(fields == record.fields)
        }
      }
      let exported = try replica.exported("b")
      #expect(lines == exported)
    }
  }
}
