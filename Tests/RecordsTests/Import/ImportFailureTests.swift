// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
@testable import Records
import StorageEngine
import TestSupport
import Testing

@Suite("Import, failing")
struct ImportFailureTests {
  private static let comma = ImportOptions.Format.csv(
    delimiter: UInt8(ascii: ","), columns: nil)

  private static func failure(
    _ text: [UInt8], _ format: ImportOptions.Format = .jsonLines, into replica: TestReplica,
    adjust: (inout ImportOptions) -> Void = { _ in }
  ) -> ImportFailure? {
    var options = ImportOptions(format, collection: "c")
    adjust(&options)
    do {
      _ = try replica.store.importRecords(
        from: ImportInput(name: "input", bytes: text), options)
      return nil
    } catch {
      return error as? ImportFailure
    }
  }

  @Test func `lines that end with CR alone are refused, and a quoted CR is a character`() throws {
    try withReplica { replica in
      let failure = Self.failure(Array("_key,a\rx,1\ry,2\r".utf8), Self.comma, into: replica)
      #expect((failure?.cause as? CSVError)?.problem == .carriageReturns)
      #expect(Self.failure(Array("_key,\"a\rb\"\nx,1\n".utf8), Self.comma, into: replica) == nil)
      #expect(Self.failure(Array("_key,a\r\nx,1\r\n".utf8), Self.comma, into: replica) == nil)
    }
  }

  @Test func `fields of a record that a later line replaces leave nothing behind`() throws {
    try withReplica { replica in
      var options = ImportOptions(.jsonLines, collection: "c")
      options.batchRecords = 2
      for text in [#"{"_key":1,"v":1}"#, #"{"_key":1}"# + "\n{\"_key\":2}\n{\"_key\":1,\"w\":5}"] {
        let input = ImportInput(name: "input", bytes: Array(text.utf8))
        _ = try replica.store.importRecords(from: input, options)
      }
      // Another replica refuses a transaction that names a field nobody uses.
      let cursor = try replica.store.journal(since: VersionVector())
      while let transaction = try cursor.next() {
        try transaction.forEachOperation { _ in }
      }
    }
  }

  @Test(arguments: [
    (#"[{"_key":1},{"_key":2 x}]"#, "line 1, column 23"),
    ("[\n  {\"_key\":\"é\"} ,\n  {\"_key\":2 x}]", "line 3, column 13"),
    (#"{"é":1,"a":[{"_key":1} x]}"#, "line 1, column 24"),
    (#"{"b":0,"b":1,"a":[]}"#, "line 1, column 12"),
  ])
  func `a bad place in a document is named`(text: String, expected: String) throws {
    let path = text.hasPrefix("[") ? [] : ["a"]
    for step in [1, .max] {
      var rest = Array(text.utf8)[...]
      let input = ImportInput(name: "input") { count in
        let taken = rest.prefix(min(count, step))
        rest = rest.dropFirst(taken.count)
        return Array(taken)
      }
      let options = ImportOptions(.json(path: path), collection: "c")
      let failure = #expect(throws: ImportFailure.self) { _ = try options.check(input) }
      #expect(failure?.description.contains(expected) == true, "\(String(describing: failure))")
    }
  }

  @Test(arguments: [
    (#"{"_key":1}"# + "\n" + #"{"_key":2,}"#, "line 2, column 11"),
    (#"{"_key":1}"# + "\n\n" + #"{"_key":2} x"#, "line 3, column 12"),
    ("[1]", "line 1, column 1"), (#"{"a":1}"#, "line 1: there is no \"_key\""),
    (#"{"_key":1.5}"#, "line 1: the key is neither"), (#"{"_key":null}"#, "line 1: the key"),
    (#"{"_key":18446744073709551615}"#, "line 1: the key"),
    (#"{"_key":{"$uuid":"x"}}"#, "line 1: the key"), (#"{"_key":1,"a":1,"a":2}"#, "twice"),
    (#"{"_key":1,"_key":1}"#, "twice"), (#"{"_key":1,"_collection":"d"}"#, "'d', not to 'c'"),
    (#"{"_key":1,"_collection":5}"#, "no text"), (#"{"_key":1"#, "ends inside"),
  ])
  func `a bad line is named, and nothing is imported`(text: String, expected: String) throws {
    try withReplica { replica in
      let failure = Self.failure(Array(text.utf8), into: replica)
      #expect(failure?.description.contains(expected) == true, "\(String(describing: failure))")
      #expect(failure?.committed.records == 0)
      let applied = try replica.store.appliedVector()
      #expect(applied.isEmpty)
    }
  }

  @Test(arguments: [
    ("", "no header"), ("a,b\n1,2\n", "no column \"_key\""),
    ("_key,a\n1,2\n3\n", "line 3: a row of 1 cells in a table of 2"),
    ("_key,a\n1,2,3\n", "line 2: a row of 3"), ("_key,a,a\n", "two columns"),
    ("_key,\n", "column 2 has no name"), ("_key,a\n\n,x\n", "line 3: there is no \"_key\""),
    ("_key,a\n\"x\ny\",1\n\"z,1\n", "line 4: a quoted cell"),
  ])
  func `a bad table is refused with its line`(text: String, expected: String) throws {
    try withReplica { replica in
      let failure = Self.failure(Array(text.utf8), Self.comma, into: replica)
      #expect(failure?.description.contains(expected) == true, "\(String(describing: failure))")
      let applied = try replica.store.appliedVector()
      #expect(applied.isEmpty)
    }
  }

  @Test func `bytes that are not UTF-8 are refused in every place of a table`() throws {
    try withReplica { replica in
      for text in [
        [0xff] + Array(",_key\nx,y\n".utf8), Array("_key,a\n".utf8) + [0xff] + Array(",1\n".utf8),
        Array("_key,a\n1,".utf8) + [0xc3] + Array("\n".utf8),
        Array("_key,a\n1,\"".utf8) + [0x80] + Array("\"\"\"\n".utf8),
      ] as [[UInt8]] {
        let failure = Self.failure(text, Self.comma, into: replica)
        #expect((failure?.cause as? CSVError)?.problem == .invalidUTF8)
      }
    }
  }

  @Test(
    arguments: [
      (#"{"a":[]}"#, ["b"], "no \"b\""), (#"{"a":{}}"#, ["a"], "'['"), (#"[]x"#, [], "follows"),
      (#"{"a":[{"_key":1}],"a":1}"#, ["a"], "twice"), (#"{"b":1,"b":2}"#, ["a"], "twice"),
      (#"[{"_key":1},]"#, [], "'{'"), (#"[{"_key":1}"#, [], "ends inside"), ("", [], "ends inside"),
      (#"{"a":[{"_key":1}]"#, ["a"], "ends inside"), (#"{"_key":1}"#, [], "'['"),
    ] as [(String, [String], String)])
  func `a bad document is refused`(text: String, path: [String], expected: String) throws {
    try withReplica { replica in
      let failure = Self.failure(Array(text.utf8), .json(path: path), into: replica)
      let isExpected = failure?.description.contains(expected) == true
      #expect(isExpected || expected == "'{'" && failure != nil, "\(String(describing: failure))")
      let applied = try replica.store.appliedVector()
      #expect(applied.isEmpty)
    }
  }

  @Test func `a failure tells the last committed line, and what was committed stays`() throws {
    try withReplica { replica in
      var text = ""
      for number in 0..<10 { text += #"{"_key":\#(number)}"# + "\n" }
      text += "bad\n"
      let failure = Self.failure(Array(text.utf8), into: replica) { $0.batchRecords = 4 }
      let committed = try #require(failure?.committed)
      // The bad line is in the third batch; the two before it are whole.
      #expect(committed.line == 8 && committed.records == 8 && committed.transactions == 2)
      let count = try replica.store.read { try $0.count(of: "c") }
      #expect(count == committed.records)
    }
  }

  @Test func `all or nothing means nothing after a failure`() throws {
    try withReplica { replica in
      var text = ""
      for number in 0..<10 { text += #"{"_key":\#(number)}"# + "\n" }
      let failure = Self.failure(Array((text + "bad\n").utf8), into: replica) {
        $0.batchRecords = 4
        $0.isAtomic = true
      }
      #expect(failure?.committed.records == 0)
      let applied = try replica.store.appliedVector()
      #expect(applied.isEmpty)
      let done = try ImportTests.run(text, into: replica) {
        $0.batchRecords = 4
        $0.isAtomic = true
      }
      #expect(done.records == 10 && done.transactions == 1)
      #expect(try replica.store.transactionCount() == 1)
    }
  }

  @Test func `a line beyond the limit is refused instead of kept`() throws {
    try withReplica { replica in
      let long = #"{"_key":1,"a":""# + String(repeating: "x", count: 600_000)
      for format in [ImportOptions.Format.jsonLines, .json(path: []), Self.comma] {
        let text =
          switch format {
          case .jsonLines: long
          case .json: "[" + long
          case .csv: "_key\n\"" + String(repeating: "x", count: 600_000)
          }
        let failure = Self.failure(Array(text.utf8), format, into: replica) {
          $0.lineByteLimit = 300_000
        }
        #expect(
          (failure?.cause as? ImportError)?.problem == .lineTooLong(limit: 300_000), "\(format)")
      }
    }
  }

  @Test func `an import that its caller stops keeps whole transactions`() throws {
    struct Stop: Error {}
    try withReplica { replica in
      var text = ""
      for number in 0..<40 { text += #"{"_key":\#(number)}"# + "\n" }
      var options = ImportOptions(.jsonLines, collection: "c")
      options.batchRecords = 10
      #expect(throws: ImportFailure.self) {
        _ = try replica.store.importRecords(
          from: ImportInput(name: "input", bytes: Array(text.utf8)), options
        ) { _ in throw Stop() }
      }
      let count = try replica.store.read { try $0.count(of: "c") }
      #expect(count % 10 == 0)
    }
  }

  @Test func `a line cut anywhere or with a flipped bit is imported whole or not at all`() throws {
    let text = Array(#"{"_key":"k","a":[1,"é"],"b":{"$bytes":"AA=="}}"#.utf8)
    try withReplica { replica in
      for length in 1..<text.count {
        #expect(Self.failure(Array(text[..<length]), into: replica) != nil, "\(length) bytes")
      }
      let applied = try replica.store.appliedVector()
      #expect(applied.isEmpty)
      for bit in 0..<text.count * 8 {
        var damaged = text
        damaged[bit / 8] ^= 1 << UInt8(bit % 8)
        _ = Self.failure(damaged, into: replica)
      }
    }
  }

  @Test func `nothing is committed behind a batch that failed, however slow the disk is`() throws {
    let disk = SimulatedDisk()
    let replica = try TestReplica(seed: TestEnvironment.seed, clock: TestClock(), on: disk)
    // A transaction has at most 4096 collections: the second batch fails at its commit, while the
    // first is still being flushed.
    let batch = JournalLimits.transactionParts + 1
    let lines = (0..<4 * batch).map { number in
      let collection = number / batch == 1 ? "c\(number)" : "a"
      return #"{"_key":\#(number),"_collection":"\#(collection)"}"#
    }
    var options = ImportOptions(.jsonLines, collection: nil)
    options.batchRecords = batch
    disk.setFlushDelay(microseconds: 300_000)
    let failure = #expect(throws: ImportFailure.self) {
      try replica.store.importRecords(
        from: ImportInput(name: "input", bytes: Array(lines.joined(separator: "\n").utf8)), options)
    }
    disk.setFlushDelay(microseconds: 0)
    #expect(failure?.committed.records == UInt64(batch))
    #expect(failure?.committed.line == UInt64(batch))
    #expect(try replica.store.read { try $0.count(of: "a") } == UInt64(batch))
    try replica.finish()
  }

  @Test(arguments: ["", String(repeating: "n", count: 201)])
  func `a name that no collection can have is refused where it stands`(name: String) throws {
    try withReplica { replica in
      let text = #"{"_key":1,"_collection":"a"}"# + "\n" + #"{"_key":2,"_collection":"\#(name)"}"#
      let failure = Self.failure(Array(text.utf8), into: replica) { $0.collection = nil }
      #expect((failure?.cause as? ImportError)?.line == 2, "\(String(describing: failure))")
    }
  }

  @Test func `a collection and a key are told from others that look alike joined`() throws {
    try withReplica { replica in
      let old = #"{"_collection":"a","_key":"x\u0000\u0002y","v":1}"#
      let new = #"{"_collection":"a","_key":"x\u0000\u0002y","v":2}"#
      let other = #"{"_collection":"a\u0000\u0002x","_key":"y"}"#
      let options = ImportOptions(.jsonLines, collection: nil)
      for text in [old, new + "\n" + other] {
        _ = try replica.store.importRecords(
          from: ImportInput(name: "input", bytes: Array(text.utf8)), options)
      }
      let record = try replica.store.read { try $0.get("a", .text("x\u{0}\u{2}y")) }
      #expect(record?["v"] == .integer(2))
    }
  }
}
