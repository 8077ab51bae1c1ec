// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import PeerSync
import Records
import TestSupport
import Testing

/// What a peer of a later version writes.
@Suite struct LaterVersionTests {
  @Test func `an operation of a kind that is unknown here makes the peers incompatible`() throws {
    let target = try SimulatedReplica(
      name: "replica", seed: TestEnvironment.seed, now: 1_900_000_000_000)
    // A part without field names and with one operation: kind 3, key 1.
    let part = EncodedParts.Assembled(
      collection: "c", operationCount: 1, bytes: [0x82, 0x80, 0x81, 0x82, 3, 1])
    let later = try EncodedTransaction(
      origin: Origin(replica: ReplicaID(high: 1, low: 1), incarnation: 1), sequence: 1,
      timestamp: HybridTimestamp(milliseconds: 1_800_000_000_000), dependencies: VersionVector(),
      schemaEpoch: 0, previousHash: .zero, parts: EncodedParts(assembled: [part]))
    let refusal = #expect(throws: SyncError.self) {
      try SyncResponder(store: target.store).take([later], of: StoreID(high: 1, low: 1))
    }
    #expect(refusal?.code == .incompatible)
    #expect(try target.store.appliedVector().isEmpty)
  }
}
