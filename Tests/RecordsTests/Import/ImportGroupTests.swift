// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import Foundation
@testable import Records
import StorageEngine
import TestSupport
import Testing

@Suite("Import, several batches at once")
struct ImportGroupTests {
  private static func options(_ batch: Int, collection: String? = "c") -> ImportOptions {
    var options = ImportOptions(.jsonLines, collection: collection)
    options.batchRecords = batch
    return options
  }

  /// Records with keys in random order, some of them more than once.
  private static func lines(_ count: Int, keys: Int) -> [String] {
    var random = SplitMix64(seed: TestEnvironment.seed)
    return (0..<count).map { #"{"_key":"\#(random.below(keys))","n":\#($0),"f\#($0 % 3)":1}"# }
  }

  private static func lsn(_ replica: TestReplica) throws -> UInt64 {
    let snapshot = try replica.store.database.snapshot()
    defer { snapshot.close() }
    return snapshot.lsn
  }

  private static func plain(_ lines: [String]) -> ImportInput {
    ImportInput(name: "input", bytes: Array(lines.joined(separator: "\n").utf8))
  }

  @Test func `batches that wait become one commit and several transactions of the journal`() throws
  {
    try withReplica { replica in
      let before = try Self.lsn(replica)
      let done = try replica.store.importRecords(
        from: PiledInput.make(Self.lines(80, keys: 1 << 40), in: replica.store), Self.options(10))
      #expect(done.records == 80 && done.written == 80 && done.line == 80)
      let commits = try Self.lsn(replica) - before
      #expect(commits <= 3, "\(commits) commits for 8 batches")
      let transactions = try replica.transactions()
      #expect(transactions.count == 8 && done.transactions == 8)
      #expect(transactions.map(\.header.sequence) == Array(1...8))
      #expect(transactions.map(\.header.operationCount) == Array(repeating: 10, count: 8))
      let times = transactions.map(\.header.timestamp)
      #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 })
    }
  }

  @Test(arguments: [false, true])
  func `of a key that is in several batches the last record is written, once`(reopen: Bool) throws {
    try withReplica { replica in
      let lines = (0..<8).flatMap { batch in
        [#"{"_key":"a","n":\#(batch)}"#, #"{"_key":"\#(batch)"}"#, #"{"_key":"z","v\#(batch)":0}"#]
      }
      let done = try replica.store.importRecords(
        from: PiledInput.make(lines, in: replica.store, reopen: reopen), Self.options(3))
      #expect(try replica.store.get("c", .text("a"))?["n"] == .integer(7))
      #expect(try replica.store.get("c", .text("z"))?.fields.map(\.name) == ["v7"])
      #expect(done.records == 24 && done.written <= 8 + 2 * 2)
      let operations = try replica.transactions().map(\.header.operationCount)
      #expect(operations.allSatisfy { (1...3).contains($0) })
      #expect(UInt64(operations.reduce(0, +)) == done.written)
    }
  }

  @Test func `what was imported in random order makes no transaction when imported again`() throws {
    try withReplica { replica in
      let lines = Self.lines(2000, keys: 500)
      _ = try replica.store.importRecords(from: Self.plain(lines), Self.options(50))
      let before = try replica.store.transactionCount()
      for batch in [50, 7, 10_000] {
        let again = try replica.store.importRecords(from: Self.plain(lines), Self.options(batch))
        #expect(again.records == 2000 && again.written == 0 && again.transactions == 0)
      }
      #expect(try replica.store.transactionCount() == before)
    }
  }

  @Test(arguments: [1, 9])
  func `batches written together are as if written one by one`(collections: Int) throws {
    let lines = Self.lines(80, keys: 40).enumerated().map { place, line in
      #"{"_collection":"c\#(place % collections)","# + line.dropFirst()
    }
    try withReplica { one in
      // With the collections in one batch only, each batch is committed before the next is read.
      for start in stride(from: 0, to: lines.count, by: 10) {
        _ = try one.store.importRecords(
          from: Self.plain(Array(lines[start..<start + 10])), Self.options(10, collection: nil))
      }
      try withReplica { other in
        _ = try other.store.importRecords(
          from: PiledInput.make(lines, in: other.store), Self.options(10, collection: nil))
        let (expected, found) = (try one.exported(), try other.exported())
        #expect(found == expected)
      }
    }
  }

  @Test func `the batches before a bad line are committed, and told`() throws {
    try withReplica { replica in
      var lines = Self.lines(80, keys: 1 << 40)
      lines[57] = "bad"
      let failure = #expect(throws: ImportFailure.self) {
        try replica.store.importRecords(
          from: PiledInput.make(lines, in: replica.store, upTo: 57), Self.options(10))
      }
      #expect(failure?.committed.records == 50 && failure?.committed.line == 50)
      #expect(failure?.committed.transactions == 5)
      let count = try replica.store.read { try $0.count(of: "c") }
      #expect(count == 50)
    }
  }

  @Test func `of batches that wait those before the one that fails are committed`() throws {
    // A transaction has at most 4096 collections, so the fifth batch fails at its commit.
    let batch = JournalLimits.transactionParts + 1
    let lines = (0..<6 * batch).reversed().map { number in
      let collection = number / batch == 1 ? "c\(number)" : "a"
      return #"{"_key":\#(number),"_collection":"\#(collection)"}"#
    }
    try withReplica { replica in
      let failure = #expect(throws: ImportFailure.self) {
        try replica.store.importRecords(
          from: PiledInput.make(lines, in: replica.store), Self.options(batch, collection: nil))
      }
      #expect(failure?.committed.records == UInt64(4 * batch))
      #expect(failure?.committed.line == UInt64(4 * batch))
      #expect(failure?.committed.transactions == 4)
      let count = try replica.store.read { try $0.count(of: "a") }
      #expect(count == UInt64(4 * batch))
      #expect(try replica.store.transactionCount() == 4)
    }
  }

  @Test func `a record that someone else writes meanwhile is replaced like any other`() throws {
    try withReplica { replica in
      let lines = Self.lines(12_000, keys: 1 << 40)
      let keys = lines.map { String($0.dropFirst(9).prefix { $0 != "\"" }) }
      let pieces = lines.map { Array(($0 + "\n").utf8) }
      var next = 0
      // From the first commit on, every so often a record that comes later is there already, with a
      // field of its own.
      let input = ImportInput(name: "input") { _ in
        defer { next += 1 }
        if next % 1000 == 999, next >= 3999, next + 4000 < keys.count {
          while try replica.store.transactionCount() == 0 { Thread.sleep(forTimeInterval: 0.001) }
          try replica.store.write { transaction in
            try transaction.put("c", .text(keys[next + 4000]), [.init("x", .null)])
          }
        }
        return next < pieces.count ? pieces[next] : []
      }
      _ = try replica.store.importRecords(from: input, Self.options(1000))
      for place in stride(from: 7999, to: 12_000, by: 1000) {
        let record = try replica.store.get("c", .text(keys[place]))
        #expect(record?["n"] == .integer(Int64(place)) && record?["x"] == nil)
      }
    }
  }
}
