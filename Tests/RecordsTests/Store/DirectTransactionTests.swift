// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
@testable import Records
import StorageEngine
import TestSupport
import Testing

/// Transactions made on the database itself, past the store that remembers.
@Suite("Records, past the store")
struct DirectTransactionTests {
  private static let other = Origin(replica: ReplicaID(high: 7, low: 8), incarnation: 9)

  private static func setOrigin(_ trees: any TreeReader, in transaction: WriteTransaction) throws {
    let meta = try MetaTree.open(trees)
    try MetaTree.put(.origin, in: meta.tree, of: transaction) { $0.write(bytes: other.bytes) }
  }

  @Test func `a changed origin is who writes next`() throws {
    try withReplica { replica in
      try replica.store.put("c", .text("a"), [:])
      try replica.store.database.write { try Self.setOrigin($0, in: $0) }
      try replica.store.put("c", .text("b"), [:])
      let origins = try replica.transactions().map(\.header.origin)
      #expect(origins == [replica.store.origin, Self.other])
    }
  }

  @Test func `an origin changed by a participant of the commit is who writes next`() throws {
    final class Renaming: CommitParticipant {
      func prepareCommit(_ transaction: WriteTransaction) throws {
        try DirectTransactionTests.setOrigin(transaction, in: transaction)
      }
    }
    try withReplica { replica in
      replica.store.database.setCommitParticipant(Renaming())
      try replica.store.put("c", .text("a"), [:])
      replica.store.database.setCommitParticipant(nil)
      try replica.store.put("c", .text("b"), [:])
      let origins = try replica.transactions().map(\.header.origin)
      #expect(origins == [replica.store.origin, Self.other])
    }
  }

  @Test func `transactions delivered past the store are what the next write depends on`() throws {
    try withReplicas(2) { replicas in
      let other = replicas[0].store
      let store = replicas[1].store
      for round in 1...3 {
        try other.put("c", .integer(Int64(round)), [:])
        try store.put("d", .integer(Int64(round)), [:])
        let new = try replicas[0].transactions(since: store.appliedVector())
        try store.database.write { trees in
          try Journal.open(in: trees).update(in: trees) { update in
            var delivery = Delivery(trees)
            for one in new {
              try delivery.deliver(one, to: &update, store.policy, own: store.origin)
            }
            try delivery.finish()
          }
        }
        try store.put("d", .integer(Int64(-round)), [:])
        let last = try #require(try replicas[1].transactions().last?.header)
        #expect(last.dependencies[other.origin] == UInt64(round))
      }
    }
  }
}
