// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
@testable import Records
import TestSupport
import Testing

@Suite("Transactions that no writer makes")
struct HostileTransactionTests {
  private static let origin = Origin(replica: ReplicaID(high: 9, low: 9), incarnation: 9)

  /// A transaction whose only part has these bytes.
  private static func transaction(
    _ part: [UInt8], operationCount: Int = 1, milliseconds: UInt64 = 1_800_000_000_000
  ) throws -> EncodedTransaction {
    try EncodedTransaction(
      origin: origin, sequence: 1, timestamp: HybridTimestamp(milliseconds: milliseconds),
      dependencies: VersionVector(), schemaEpoch: 0, previousHash: .zero,
      parts: EncodedParts(assembled: [
        .init(collection: "c", operationCount: operationCount, bytes: part)
      ]))
  }

  /// Parts with right digests and wrong content: names, then operations.
  private static let parts: [(String, [UInt8])] = [
    ("nothing", []), ("no names", [0x82]), ("names out of order", part(["b", "a"], [op(0, 1)])),
    ("a name twice", part(["a", "a"], [op(0, 1)])),
    ("a name unused", part(["a", "b"], [op(0, 1)])),
    ("no such name", part(["a"], [op(1, 1)])),
    ("fields out of order", part(["a", "b"], [[0x86, 1, 0x61, 0x6b, 1, 1, 0, 1]])),
    ("a deletion with a field", part(["a"], [[0x84, 2, 0x61, 0x6b, 0, 1]])),
    ("a reserved name", part(["_key"], [op(0, 1)])),
    ("a number not shortest", part(["a"], [[0x84, 1, 0x61, 0x6b, 0, 0x18, 1]])),
    ("infinity", part(["a"], [[0x84, 1, 0x61, 0x6b, 0, 0xf9, 0x7c, 0]])),
    ("not a number", part(["a"], [[0x84, 1, 0x61, 0x6b, 0, 0xf9, 0x7e, 0]])),
    ("text that is not UTF-8", part(["a"], [[0x84, 1, 0x61, 0x6b, 0, 0x61, 0xff]])),
    ("a key that is not UTF-8", part(["a"], [[0x84, 1, 0x61, 0xff, 0, 1]])),
    ("a key that is none", part(["a"], [[0x84, 1, 0xf6, 0, 1]])),
    ("a tag that is no UUID", part(["a"], [[0x84, 1, 0xd8, 36, 0x50, 0, 1]])),
    ("an absurd count", part(["a"], [[0x84, 1, 0x61, 0x6b, 0, 0x9b] + many])),
    ("an absurd length", part(["a"], [[0x84, 1, 0x61, 0x6b, 0, 0x7b] + many])),
    ("no definite length", part(["a"], [[0x84, 1, 0x61, 0x6b, 0, 0x9f, 0xff]])),
    ("a map with a name twice", part(["a"], [map(0x61, 0x61)])),
    ("a map out of order", part(["a"], [map(0x62, 0x61)])),
    ("too deep", part(["a"], [[0x84, 1, 0x61, 0x6b, 0] + deep + [0]])),
    ("something behind it", part(["a"], [op(0, 1)]) + [0]),
  ]
  private static let many = [UInt8](repeating: 0x7f, count: 8)
  private static let deep = [UInt8](repeating: 0x81, count: 128)

  /// A patch of record `k` with a map of two names of one letter.
  private static func map(_ one: UInt8, _ two: UInt8) -> [UInt8] {
    [0x84, 1, 0x61, 0x6b, 0, 0xa2, 0x61, one, 1, 0x61, two, 1]
  }

  /// A patch of record `k` that sets one field to a small number.
  private static func op(_ field: UInt8, _ value: UInt8) -> [UInt8] {
    [0x84, 1, 0x61, 0x6b, field, value]
  }

  private static func part(_ names: [String], _ operations: [[UInt8]]) -> [UInt8] {
    var bytes: [UInt8] = [0x82]
    bytes.appendHead(ItemType.array, UInt64(names.count))
    for name in names { bytes.appendText(name) }
    bytes.appendHead(ItemType.array, UInt64(operations.count))
    return bytes + operations.joined()
  }

  @Test(arguments: parts.indices)
  func `a part that is not canonical is refused, and nothing of its batch is applied`(
    slot: Int
  ) throws {
    let (name, bytes) = Self.parts[slot]
    try withReplicas(2) { replicas in
      try replicas[0].store.put("c", .text("k"), ["a": .integer(1)])
      let good = try replicas[0].transactions()
      let before = try replicas[1].trees()
      let bad = try Self.transaction(bytes)
      #expect(throws: RecordStoreError.self, "\(name)") {
        _ = try replicas[1].store.apply(good + [bad])
      }
      #expect(try replicas[1].trees() == before, "\(name)")
      // Held back it would stand in the way of everything later: it is refused at once.
      let later = try Self.transaction(bytes, milliseconds: 1_800_000_600_000)
      #expect(throws: RecordStoreError.self, "\(name)") {
        _ = try replicas[1].store.apply([later])
      }
      #expect(try replicas[1].trees() == before, "\(name)")
    }
  }

  @Test(arguments: [1_800_000_000_000, 1_800_000_600_000] as [UInt64])
  func `an operation of a later version is refused as that, at once`(milliseconds: UInt64) throws {
    try withReplica { replica in
      let later = try Self.transaction(
        Self.part([], [[0x82, 9, 0x61, 0x6b]]), milliseconds: milliseconds)
      let before = try replica.trees()
      let error = RecordStoreError.unsupportedOperation(later.dot, kind: 9)
      #expect(throws: error) { try replica.store.apply([later]) }
      #expect(throws: error) { try later.checkOperations() }
      #expect(error.description.hasSuffix("operation kind 9 is unknown to this version"))
      #expect(try replica.trees() == before)
    }
  }

  @Test func `the same form without the fault is applied`() throws {
    try withReplica { replica in
      let good = try Self.transaction(Self.part(["a"], [Self.op(0, 7)]))
      #expect(try replica.store.apply([good]).applied == 1)
      #expect(try replica.store.get("c", .text("k"))?["a"] == .integer(7))
    }
  }

  @Test func `a flipped bit in a part is refused or applied whole, without harm`() throws {
    let bytes = Self.part(["a", "é"], [[0x86, 1, 0x61, 0x6b, 0, 0x61, 0x78, 1, 0x81, 0xf6]])
    for bit in 0..<bytes.count * 8 {
      var damaged = bytes
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      let transaction = try Self.transaction(damaged)
      try withReplica { replica in
        let isApplied = (try? replica.store.apply([transaction])) != nil
        // The journal's own decoder agrees.
        let isDecoded = (try? transaction.transaction()) != nil
        #expect(isApplied == isDecoded, "bit \(bit)")
      }
    }
  }

  @Test func `a part cut anywhere is refused`() throws {
    let bytes = Self.part(["a"], [[0x84, 1, 0x61, 0x6b, 0, 0x82, 0x61, 0x78, 0xf6]])
    try withReplica { replica in
      for length in 0..<bytes.count {
        let transaction = try Self.transaction(Array(bytes[..<length]))
        #expect(throws: RecordStoreError.self, "\(length) bytes") {
          _ = try replica.store.apply([transaction])
        }
      }
    }
  }
}
