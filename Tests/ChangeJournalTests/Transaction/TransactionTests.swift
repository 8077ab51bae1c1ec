// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import TestSupport
import Testing

struct TransactionTests {
  @Test(arguments: testSeeds(60))
  func `a random transaction survives encoding and has one encoding`(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    let transaction = try generator.transaction(
      operations: Int.random(in: 0...40, using: &generator))
    let encoded = try EncodedTransaction(transaction)
    let decoded = try EncodedTransaction(decoding: encoded.bytes)
    #expect(decoded == encoded)
    #expect(decoded.header == encoded.header)
    #expect(decoded.headerByteCount == encoded.headerByteCount)
    #expect(try decoded.transaction() == transaction)
    #expect(try EncodedTransaction(decoded.transaction()).bytes == encoded.bytes)
    var operations: [Operation] = []
    try decoded.forEachOperation { operations.append($0) }
    #expect(operations == transaction.parts.flatMap(\.operations))
    #expect(decoded.header.operationCount == operations.count)
  }

  @Test func `operations are sorted into parts by the bytes of their collections`() {
    let operations = ["b", "\u{e9}", "a", "b", "e\u{301}", "a"].enumerated().map { index, name in
      Operation(collection: name, key: .integer(Int64(index)), change: .delete)
    }
    let parts = CollectionPart.parts(of: operations)
    #expect(
      parts.map { Array($0.collection.utf8) }
        == ["a", "b", "e\u{301}", "\u{e9}"].map { Array($0.utf8) })
    #expect(
      parts.map { $0.operations.map(\.key) } == [
        [.integer(2), .integer(5)], [.integer(0), .integer(3)], [.integer(4)], [.integer(1)],
      ])
  }

  @Test func `the hash is that of the tagged header and changes with every part`() throws {
    let encoded = try Samples.encoded()
    let header = encoded.bytes[..<encoded.headerByteCount]
    #expect(encoded.hash == Hash256.of(Array("record-store transaction".utf8) + header))
    var changed = Samples.transaction()
    changed.parts = Array(changed.parts.dropLast())
    #expect(try EncodedTransaction(changed).hash != encoded.hash)
  }

  @Test func `a transaction cut short anywhere is refused`() throws {
    let encoded = try Samples.encoded().bytes
    for length in 0..<encoded.count {
      #expect(throws: CodingError.self) {
        try EncodedTransaction(decoding: Array(encoded[..<length]))
      }
    }
    #expect(throws: CodingError.self) { try EncodedTransaction(decoding: encoded + [0]) }
  }

  @Test func `a bit flipped anywhere is refused or changes the hash`() throws {
    let original = try Samples.encoded()
    for bit in 0..<original.bytes.count * 8 {
      var damaged = original.bytes
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      if let decoded = try? EncodedTransaction(decoding: damaged) {
        #expect(decoded.hash != original.hash, "bit \(bit)")
        #expect(bit / 8 < original.headerByteCount, "bit \(bit): parts have digests")
      }
    }
  }

  @Test func `a patch names each field once in ascending order`() throws {
    let field = { FieldChange(field: $0, value: .null) }
    for fields in [[field("b"), field("a")], [field("a"), field("a")]] {
      let operation = Operation(collection: "c", key: .integer(1), change: .patch(fields))
      #expect(throws: CodingError.self) {
        try EncodedParts([CollectionPart(collection: "c", operations: [operation])])
      }
    }
    #expect(
      try Change.patch(unordered: [field("b"), field("a")]) == .patch([field("a"), field("b")]))
    #expect(throws: CodingError.self) { try Change.patch(unordered: [field("a"), field("a")]) }
  }

  @Test func `what no transaction may hold cannot be encoded`() throws {
    let operation = Operation(collection: "c", key: .integer(1), change: .delete)
    let part = CollectionPart(collection: "c", operations: [operation])
    let named = { (name: String) in
      CollectionPart(
        collection: name,
        operations: [Operation(collection: name, key: .integer(1), change: .delete)])
    }
    let wrongParts: [[CollectionPart]] = [
      [CollectionPart(collection: "c", operations: [])],
      [CollectionPart(collection: "d", operations: [operation])],
      [part, part], [named("d"), part], [named("")], [named(String(repeating: "c", count: 201))],
      (0...JournalLimits.transactionParts).map { named("\(100_000 + $0)") },
      [patch(.text(String(repeating: "k", count: 901)), "f", .null)],
      [patch(.integer(1), String(repeating: "f", count: 4097), .null)],
      [patch(.integer(1), "f", .double(.nan))],
    ]
    for parts in wrongParts {
      var transaction = Samples.transaction()
      transaction.parts = parts
      #expect(throws: CodingError.self) { try EncodedTransaction(transaction) }
    }
  }

  private func patch(_ key: RecordKey, _ field: String, _ value: Value) -> CollectionPart {
    CollectionPart(
      collection: "c", operations: [Samples.patch("c", key, (field, value))])
  }

  @Test func `a header that contradicts itself cannot be encoded`() throws {
    let dependency = { (origin: Origin, sequence: UInt64) in
      var vector = VersionVector()
      vector[origin] = sequence
      return vector
    }
    let some = Hash256.of([1])
    let wrong = [
      Samples.transaction(sequence: 0), Samples.transaction(sequence: .max, previous: some),
      Samples.transaction(sequence: 1, previous: some), Samples.transaction(sequence: 2),
      Samples.transaction(dependencies: dependency(Samples.origin(1), 1)),
      Samples.transaction(dependencies: dependency(Samples.origin(2), .max)),
    ]
    for transaction in wrong {
      #expect(throws: CodingError.self) { try EncodedTransaction(transaction) }
    }
    #expect(throws: Never.self) {
      try EncodedTransaction(
        Samples.transaction(sequence: JournalLimits.sequence, previous: some))
    }
  }
}
