// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import Testing

/// Transactions whose checksums and digests are right and that no writer of ours produces.
struct TransactionRefusalTests {
  /// A transaction around the bytes of one part, with the right digest.
  private func transaction(
    part: [UInt8], operationCount: UInt64 = 1, collection: String = "c", byteCount: UInt64? = nil
  ) -> [UInt8] {
    header { writer in
      writer.write(arrayCount: 1)
      writer.write(arrayCount: 4)
      writer.write(text: collection)
      writer.write(unsigned: operationCount)
      writer.write(unsigned: byteCount ?? UInt64(part.count))
      writer.write(bytes: Hash256.of(part).bytes)
    } + part
  }

  /// A header up to its parts, and what `parts` writes.
  private func header(
    format: UInt64 = 1, sequence: UInt64 = 1, dependencies: String = "a0",
    _ parts: (inout CBORWriter) -> Void
  ) -> [UInt8] {
    var writer = CBORWriter()
    writer.write(arrayCount: 8)
    writer.write(unsigned: format)
    writer.write(bytes: Samples.origin(1).bytes)
    writer.write(unsigned: sequence)
    writer.write(unsigned: 5)
    writer.append(encoded: bytes(hex: dependencies))
    writer.write(unsigned: 0)
    writer.write(bytes: Hash256.zero.bytes)
    parts(&writer)
    return writer.bytes
  }

  @Test func `the construction of these tests is right`() throws {
    let encoded = try EncodedTransaction(
      decoding: transaction(part: bytes(hex: "82 816161 81 84 01 05 00 18 2a")))
    #expect(
      try encoded.transaction().parts.flatMap(\.operations)
        == [Samples.patch("c", .integer(5), ("a", .integer(42)))])
  }

  @Test(arguments: [RecordMember.key, RecordMember.collection])
  func `a field named like the members of printed records is neither written nor read`(
    name: String
  ) throws {
    let refusal = CodingError.Problem.reservedName(name)
    let patch = Samples.patch("c", .integer(5), (name, .integer(42)))
    let written = #expect(throws: CodingError.self) {
      try EncodedParts(CollectionPart.parts(of: [patch]))
    }
    #expect(written?.problem == refusal)
    let names = [0x81, 0x60 | UInt8(name.utf8.count)] + Array(name.utf8)
    let part = [0x82] + names + bytes(hex: "81 84 01 05 00 18 2a")
    let encoded = try EncodedTransaction(decoding: transaction(part: part))
    let read = #expect(throws: CodingError.self) { try encoded.transaction() }
    #expect(read?.problem == refusal)
  }

  @Test(arguments: [
    // Kinds: 0, 3, and the largest there can be.
    ("82 80 81 82 00 05", 0), ("82 80 81 82 03 05", 3),
    ("82 80 81 82 1bffffffffffffffff 05", UInt64.max),
  ])
  func `an operation of unknown kind is refused and named`(part: String, kind: UInt64) throws {
    let encoded = try EncodedTransaction(decoding: transaction(part: bytes(hex: part)))
    let error = #expect(throws: CodingError.self) { try encoded.transaction() }
    #expect(error?.problem == .unknownOperation(kind: kind))
    #expect(error?.description.contains("\(kind)") == true)
    let place = JournalPlace(stream: "a journal", offset: 64, frame: 1)
    #expect(error?.journalError(at: place) == .unsupportedOperation(place, kind: kind))
  }

  @Test(arguments: [
    // No array of two, names that are none, an unused name, names unordered or repeated.
    "81 80", "83 80 80 80", "82 80", "82 a0 81 82 02 05", "82 8101 81 82 02 05",
    "82 816161 81 82 02 05", "82 8261626161 81 86 01 05 00 f6 01 f6",
    "82 8261616161 81 86 01 05 00 f6 01 f6",
    // Counts that differ from the header's, or are beyond everything.
    "82 80 80", "82 80 82 82 02 05 82 02 05", "82 80 9bffffffffffffffff", "82 9bffffffffffffffff",
    "82 80 9a40000000 82 02 05",
    // Operations that are none, too short, or too long.
    "82 80 81 80", "82 80 81 81 02", "82 80 81 81 01", "82 80 81 83 02 05 05",
    "82 816161 81 83 01 05 00", "82 80 81 05", "82 80 81 82 f6 05",
    // Field numbers out of range, repeated, or descending.
    "82 816161 81 84 01 05 01 f6", "82 816161 81 84 01 05 1bffffffffffffffff f6",
    "82 816161 81 86 01 05 00 f6 00 f6", "82 8261616162 81 86 01 05 01 f6 00 f6",
    "82 816161 81 84 01 05 20 f6",
    // Keys and values that are none.
    "82 80 81 82 02 f6", "82 80 81 82 02 d82440", "82 816161 81 84 01 05 00 f97e00",
    "82 816161 81 84 01 05 00 c100", "82 816161 81 84 01 05 00 81f7",
    // Bytes behind the operations.
    "82 80 81 82 02 05 00",
  ])
  func `a part that is not canonical is refused`(part: String) throws {
    let encoded = try EncodedTransaction(decoding: transaction(part: bytes(hex: part)))
    #expect(throws: CodingError.self) { try encoded.transaction() }
    #expect(throws: CodingError.self) { try encoded.forEachOperation { _ in } }
  }

  @Test func `a later transaction format is refused and named`() {
    let later = header(format: 2) { $0.write(arrayCount: 0) }
    #expect(throws: CodingError(offset: 0, problem: .unknownFormat(2))) {
      try EncodedTransaction(decoding: later)
    }
  }

  @Test func `a header without parts is a transaction without operations`() throws {
    let empty = try EncodedTransaction(decoding: header { $0.write(arrayCount: 0) })
    #expect(try empty.transaction().parts.isEmpty)
  }

  @Test func `lengths and counts beyond the limits are refused`() {
    let part = bytes(hex: "82 80 81 82 02 05")
    let limit = UInt64(JournalLimits.transactionBytes)
    for wrong in [0, UInt64(part.count - 1), UInt64(part.count + 1), limit, limit + 1, .max] {
      #expect(throws: CodingError.self) {
        try EncodedTransaction(decoding: transaction(part: part, byteCount: wrong))
      }
    }
    for wrong in [0, limit + 1, UInt64.max] {
      #expect(throws: CodingError.self) {
        try EncodedTransaction(decoding: transaction(part: part, operationCount: wrong))
      }
    }
    for sequence in [0, JournalLimits.sequence + 1, .max] {
      #expect(throws: CodingError.self) {
        try EncodedTransaction(decoding: header(sequence: sequence) { $0.write(arrayCount: 0) })
      }
    }
    for name in ["", String(repeating: "c", count: 201)] {
      #expect(throws: CodingError.self) {
        try EncodedTransaction(decoding: transaction(part: part, collection: name))
      }
    }
  }

  @Test(arguments: [
    "a101 01", "a14101 01", "bbffffffffffffffff", "b94001", "80",
    // Sequence 0, and one beyond the limit.
    "a1 5818 020202020202020202020202020202020202020202020202 00",
    "a1 5818 020202020202020202020202020202020202020202020202 1b4000000000000001",
    // The origin itself.
    "a1 5818 010101010101010101010101010101010101010101010101 01",
    // Twice the same origin, and descending ones.
    """
    a2 5818 020202020202020202020202020202020202020202020202 01
    5818 020202020202020202020202020202020202020202020202 01
    """,
    """
    a2 5818 030303030303030303030303030303030303030303030303 01
    5818 020202020202020202020202020202020202020202020202 01
    """,
  ])
  func `dependencies that are no vector are refused`(dependencies: String) {
    #expect(throws: CodingError.self) {
      try EncodedTransaction(
        decoding: header(dependencies: dependencies) { $0.write(arrayCount: 0) })
    }
  }

  @Test func `too many parts are refused before they are read`() {
    let many = header { $0.write(arrayCount: JournalLimits.transactionParts + 1) }
    let padding = Array(repeating: UInt8(0), count: 100_000)
    #expect(throws: CodingError.self) { try EncodedTransaction(decoding: many + padding) }
  }
}
