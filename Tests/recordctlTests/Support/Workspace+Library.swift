// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import Records
import StorageEngine
import Testing

/// What the tool cannot do to a store: it has but one clock.
extension Workspace {
  /// Uses the engine on a store's file, as another program would.
  func change(_ name: String, _ body: (Database) throws -> Void) throws {
    let store = try RecordStore.open(at: path(name))
    try body(store.database)
    try store.close()
  }

  /// Writes a record as a store does whose clock is an hour ahead.
  func putInFuture(_ collection: String, _ key: String, store name: String) throws {
    let hour: UInt64 = 3_600_000
    let environment = Environment(
      now: { Environment.system.now() + hour }, randomBytes: Environment.system.randomBytes)
    let store = try RecordStore.open(at: path(name), environment: environment)
    _ = try store.write { transaction in
      try transaction.put(collection, .text(key), [StoredRecord.Field("x", .integer(1))])
    }
    try store.close()
  }

  /// Writes a journal whose transaction has an operation of a kind that no version has yet.
  func writeLaterJournal(to name: String) throws {
    // A part without field names and with one operation: kind 9, key 1.
    let part = EncodedParts.Assembled(
      collection: "c", operationCount: 1, bytes: [0x82, 0x80, 0x81, 0x82, 9, 1])
    let transaction = try EncodedTransaction(
      origin: Origin(replica: ReplicaID(high: 1, low: 1), incarnation: 1), sequence: 1,
      timestamp: HybridTimestamp(milliseconds: 1), dependencies: VersionVector(), schemaEpoch: 0,
      previousHash: .zero, parts: EncodedParts(assembled: [part]))
    var writer = try JournalWriter(JournalStreamHeader(storeID: StoreID(high: 1, low: 1)))
    try writer.append(transaction)
    try writer.finish()
    var journal: [UInt8] = []
    while let frame = try writer.nextFrame() { journal += frame }
    try write(journal, to: name)
  }
}
