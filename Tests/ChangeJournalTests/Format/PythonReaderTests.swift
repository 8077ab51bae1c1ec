// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import ChangeJournal

/// The reader in Python, written from docs/FORMAT.md alone, and the one in Swift agree.
struct PythonReaderTests {
  private func lines(_ transactions: [EncodedTransaction]) throws -> [UInt8] {
    try transactions.flatMap { try TransactionJSON.line($0) + [UInt8(ascii: "\n")] }
  }

  private func expectSameLines(
    _ transactions: [EncodedTransaction], options: JournalWriter.Options = .init(),
    _ comment: Comment
  ) throws {
    let result = try readWithPython(try write(transactions, options: options))
    #expect(result.status == 0, "\(comment): \(result.error)")
    let expected = try lines(transactions)
    #expect(result.output == expected, comment)
  }

  @Test func `both print the same lines for a journal of every kind of operation`() throws {
    let one = try Samples.encoded()
    let two = try Samples.encoded(
      Samples.transaction(origin: Samples.origin(2), time: 1_700_000_000_001))
    try expectSameLines([one, two], "samples")
    try expectSameLines([], "empty")
  }

  @Test(arguments: testSeeds(4))
  func `both print the same lines for random transactions`(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    var transactions: [EncodedTransaction] = []
    for index in 0..<40 {
      var transaction = try generator.transaction(operations: generator.below(20))
      // Origins of their own, so that each is the first of its chain.
      transaction.origin = Samples.origin(UInt8(100 + index))
      transactions.append(try EncodedTransaction(transaction))
    }
    try expectSameLines(transactions, "seed \(seed)")
    try expectSameLines(transactions, options: .plain, "seed \(seed)")
  }

  @Test func `both print the same lines for many batches and fragments`() throws {
    var transactions = try Samples.chain(1000)
    transactions += try Samples.chain(2, origin: Samples.origin(2)) { index in
      let data = (0..<1_300_000).map { UInt8(truncatingIfNeeded: $0 >> 8 &+ $0 &* index) }
      return [Samples.patch("blobs", .integer(1), ("data", .bytes(data)))]
    }
    var options = JournalWriter.Options()
    options.batchBytes = 64 << 10
    try expectSameLines(transactions, options: options, "large")
  }

  @Test func `both refuse the same damage and print the same before it`() throws {
    let transactions = try Samples.chain(3)
    let stream = try frames(Array(transactions.prefix(2))).dropLast().flatMap { $0 }
    let whole = try write(transactions)
    var damaged: [[UInt8]] = [stream, [], Array(whole.dropLast()), whole + [0], whole + whole]
    for place in stride(from: 0, to: whole.count, by: whole.count / 24) {
      damaged.append(Array(whole[..<place]))
      var flipped = whole
      flipped[place] ^= 1 << UInt8(place % 8)
      damaged.append(flipped)
    }
    for bytes in damaged {
      let result = try readWithPython(bytes)
      #expect(result.status == 10, "\(bytes.count) bytes: \(result.error)")
      #expect(result.output == (try lines(read(bytes).transactions)), "\(bytes.count) bytes")
    }
  }

  @Test func `both refuse operations that are not canonical`() throws {
    // A part with an unused field name, in an otherwise perfect stream.
    let part = bytes(hex: "82 816161 81 82 02 05")
    var writer = CBORWriter()
    writer.write(arrayCount: 8)
    writer.write(unsigned: 1)
    writer.write(bytes: Samples.origin(1).bytes)
    writer.write(unsigned: 1)
    writer.write(unsigned: 5)
    writer.write(mapCount: 0)
    writer.write(unsigned: 0)
    writer.write(bytes: Hash256.zero.bytes)
    writer.write(arrayCount: 1)
    writer.write(arrayCount: 4)
    writer.write(text: "c")
    writer.write(unsigned: 1)
    writer.write(unsigned: UInt64(part.count))
    writer.write(bytes: Hash256.of(part).bytes)
    let wrong = try EncodedTransaction(decoding: writer.bytes + part)
    let result = try readWithPython(try write([wrong]))
    #expect(result.status == 10 && result.output.isEmpty)
    #expect(result.error.contains("not used"), "\(result.error)")
    #expect(throws: CodingError.self) { try TransactionJSON.line(wrong) }
  }
}
