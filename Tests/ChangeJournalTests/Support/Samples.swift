// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

/// Fixed identities for tests.
enum Samples {
  static let storeID = StoreID(high: 0x0011_2233_4455_6677, low: 0x8899_aabb_ccdd_eeff)

  /// An origin whose bytes are all `number`, so that origins order as their numbers.
  static func origin(_ number: UInt8) -> Origin {
    let half = UInt64(number) &* 0x0101_0101_0101_0101
    return Origin(replica: ReplicaID(high: half, low: half), incarnation: half)
  }

  static func patch(_ collection: String, _ key: RecordKey, _ fields: (String, Value?)...)
    -> Operation
  {
    Operation(
      collection: collection, key: key,
      change: .patch(fields.map { FieldChange(field: $0.0, value: $0.1) }))
  }

  /// A transaction with a few operations of every kind in two collections.
  static func transaction(
    origin: Origin = origin(1), sequence: UInt64 = 1, time: UInt64 = 1_700_000_000_000,
    dependencies: VersionVector = VersionVector(), previous: Hash256 = .zero
  ) -> JournalTransaction {
    JournalTransaction(
      origin: origin, sequence: sequence,
      timestamp: HybridTimestamp(milliseconds: time, counter: 7), dependencies: dependencies,
      previousHash: previous,
      parts: CollectionPart.parts(of: [
        patch("people", .text("ada"), ("born", .integer(1815)), ("name", .text("Ada"))),
        patch("countries", .integer(4), ("name", .text("Afghanistan"))),
        patch("people", .text("ada"), ("born", nil)),
        patch("people", .uuid(UUIDBytes(high: 1, low: 2))),
        Operation(collection: "people", key: .integer(-1), change: .delete),
      ]))
  }

  static func encoded(_ transaction: JournalTransaction = transaction()) throws
    -> EncodedTransaction
  {
    try EncodedTransaction(transaction)
  }

  /// Transactions of one origin that form a chain.
  static func chain(
    _ count: Int, origin: Origin = origin(1), operations: (Int) -> [Operation]
  ) throws -> [EncodedTransaction] {
    var chain: [EncodedTransaction] = []
    for index in 0..<count {
      chain.append(
        try EncodedTransaction(
          JournalTransaction(
            origin: origin, sequence: UInt64(index + 1),
            timestamp: HybridTimestamp(milliseconds: 1_700_000_000_000 + UInt64(index)),
            dependencies: VersionVector(), previousHash: chain.last?.hash ?? .zero,
            parts: CollectionPart.parts(of: operations(index)))))
    }
    return chain
  }

  /// A chain of transactions with one small operation each.
  static func chain(_ count: Int, origin: Origin = origin(1)) throws -> [EncodedTransaction] {
    try chain(count, origin: origin) { index in
      [patch("items", .integer(Int64(index)), ("note", .text("number \(index)")))]
    }
  }
}
