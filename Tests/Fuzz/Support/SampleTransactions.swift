// SPDX-License-Identifier: Apache-2.0

public import ChangeJournal

/// Small valid transactions, as seeds.
public enum SampleTransactions {
  /// The data set that the samples belong to.
  public static let storeID = StoreID(high: 1, low: 2)

  /// An origin for each number.
  public static func origin(_ number: UInt64) -> Origin {
    Origin(replica: ReplicaID(high: number, low: number), incarnation: number)
  }

  /// Values of every kind.
  public static let values: [Value] = [
    .null, .bool(true), .bool(false), .integer(0), .integer(-1), .integer(.min), .unsigned(.max),
    .double(1.5), .double(-0.0), .double(1e300), .double(0.1), .text("Ada"), .text(""),
    .bytes([0, 0xFF]), .array([.integer(24), .null]),
    .map(map([("$bytes", .null), ("a", .array([]))])),
  ]

  /// A chain of transactions with operations of every kind.
  public static func chain(_ count: Int = 2) -> [EncodedTransaction] {
    var chain: [EncodedTransaction] = []
    for index in 0..<count {
      let transaction = JournalTransaction(
        origin: origin(1), sequence: UInt64(index + 1),
        timestamp: HybridTimestamp(milliseconds: 1_700_000_000_000 + UInt64(index)),
        dependencies: VersionVector(), previousHash: chain.last?.hash ?? .zero,
        parts: CollectionPart.parts(of: operations))
      do {
        chain.append(try EncodedTransaction(transaction))
      } catch {
        fatalError("a sample cannot be encoded: \(error)")
      }
    }
    return chain
  }

  private static var operations: [Operation] {
    let letters = (UInt8(ascii: "a")...UInt8(ascii: "z")).map { String(UnicodeScalar($0)) }
    return [
      patch(.text("ada"), zip(letters, values).map { FieldChange(field: $0, value: $1) }),
      patch(.integer(4), [FieldChange(field: "a", value: .integer(1))]),
      patch(.text("ada"), [FieldChange(field: "a", value: nil)]),
      patch(.uuid(UUIDBytes(high: 1, low: 2)), []),
      Operation(collection: "people", key: .integer(-1), change: .delete),
    ]
  }

  private static func patch(_ key: RecordKey, _ fields: [FieldChange]) -> Operation {
    Operation(collection: "people", key: key, change: .patch(fields))
  }

  private static func map(_ entries: [(String, Value)]) -> ValueMap {
    (try? ValueMap(entries)) ?? ValueMap()
  }
}
