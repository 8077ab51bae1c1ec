// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import ChangeJournal

/// Journals written when format 1 was fixed.
///
/// They are never written again: a program that cannot read them, or reads something else in them,
/// has changed the format.
struct GoldenFileTests {
  private func golden(_ name: String) throws -> [UInt8] {
    try SourceTree.bytes("Fixtures/format/v1/\(name)")
  }

  @Test(arguments: ["journal.bin", "journal-uncompressed.bin"])
  func `a journal of version 1 is read as when it was written`(name: String) throws {
    let journal = try golden(name)
    let reading = read(journal)
    #expect(reading.error == nil)
    #expect(reading.header?.storeID.description == "deadbeef000000010123456789abcdef")
    #expect(reading.totals?.transactionCount == 4)
    let lines = try reading.transactions.flatMap {
      try TransactionJSON.line($0) + [UInt8(ascii: "\n")]
    }
    #expect(lines == (try golden("journal.jsonl")))
    let python = try readWithPython(journal)
    #expect(python.status == 0, "\(python.error)")
    #expect(python.output == (try golden("journal.jsonl")))
    var chain = ChainVerifier()
    for transaction in reading.transactions { try chain.verify(transaction) }
  }

  @Test func `the fragments of version 1 are read as when they were written`() throws {
    let journal = try golden("journal-fragments.bin")
    let reading = read(journal)
    #expect(reading.error == nil)
    #expect(reading.header?.since.entries.map(\.sequence) == [41, 5])
    let transaction = try #require(reading.transactions.first)
    #expect(reading.transactions.count == 1)
    #expect(
      transaction.hash.description
        == "da90d6b0d89d22936d513e07991b440d7a4cbbdfd96a2b7b92a194824c745cb3")
    var count: Int64 = 0
    try transaction.forEachOperation { operation in
      let data = Array(repeating: UInt8(count), count: 131_072)
      #expect(operation == Samples.patch("blobs", .integer(count), ("data", .bytes(data))))
      count += 1
    }
    #expect(count == 20)
    #expect(try readWithPython(journal).status == 0)
  }

  @Test func `what is read is written as the same bytes again`() throws {
    let journal = try golden("journal-uncompressed.bin")
    let reading = read(journal)
    let again = try reading.transactions.map { try EncodedTransaction($0.transaction()) }
    #expect(again == reading.transactions)
    var frames: [UInt8] = []
    var writer = try JournalWriter(try #require(reading.header), options: .plain)
    for transaction in again { try writer.append(transaction) }
    try writer.finish()
    while let frame = try writer.nextFrame() { frames += frame }
    #expect(frames == journal)
  }
}
