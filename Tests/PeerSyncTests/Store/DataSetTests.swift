// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import PeerSync
import Records
import TestSupport
import Testing

/// Two streams of different data sets that reach a store without transactions at the same time.
///
/// Each finds that it may be taken before either has brought anything. Whichever brings its first
/// transactions first decides what the store is a replica of.
@Suite struct DataSetTests {
  private static let one = StoreID(high: 1, low: 1)
  private static let two = StoreID(high: 2, low: 2)

  private func replica(_ number: UInt64, _ storeID: StoreID? = nil) throws -> SimulatedReplica {
    let replica = try SimulatedReplica(
      name: "replica \(number)", seed: TestEnvironment.seed &+ number, now: 1_900_000_000_000)
    guard let storeID else { return replica }
    try replica.store.adopt(storeID)
    for value in 0..<3 {
      try replica.store.write { transaction in
        try transaction.put("c", .integer(Int64(value)), [.init("n", .integer(Int64(number)))])
      }
    }
    return replica
  }

  private func expect(
    _ replica: SimulatedReplica, toBe storeID: StoreID, with origin: Origin
  ) throws {
    for _ in 0..<2 {
      #expect(replica.store.storeID == storeID)
      #expect(try replica.store.status().storeID == storeID)
      #expect(try replica.transactions().allSatisfy { $0.dot.origin == origin })
      #expect(try replica.store.appliedVector()[origin] == 3)
      try replica.restart(.loseAll, seed: 1)
    }
  }

  @Test func `of two batches of different data sets that may both be taken one is refused`() throws
  {
    let sources = [try replica(1, Self.one), try replica(2, Self.two)]
    let batches = try sources.map { try $0.transactions() }
    for first in 0..<2 {
      let target = try replica(3)
      let responder = SyncResponder(store: target.store)
      let ids = [Self.one, Self.two]
      // Both ask, then both bring.
      _ = try responder.take([], of: ids[0])
      _ = try responder.take([], of: ids[1])
      #expect(try responder.take(batches[first], of: ids[first]).applied == 3)
      let refusal = #expect(throws: SyncError.self) {
        try responder.take(batches[1 - first], of: ids[1 - first])
      }
      #expect(refusal?.code == .storeMismatch)
      try expect(target, toBe: ids[first], with: sources[first].store.origin)
    }
  }

  @Test func `threads that bring different data sets leave a store with one`() throws {
    let sources = [try replica(1, Self.one), try replica(2, Self.two)]
    let batches = try sources.map { try $0.transactions() }
    for _ in 0..<30 {
      let target = try replica(3)
      let store = target.store
      let refused = SharedList<(index: Int, code: SyncError.Code?)>()
      try runThreads(4) { thread in
        let index = thread % 2
        let responder = SyncResponder(store: store)
        do {
          for transaction in batches[index] {
            _ = try responder.take([transaction], of: [Self.one, Self.two][index])
          }
        } catch {
          refused.append((index, (error as? SyncError)?.code))
        }
      }
      #expect(refused.elements.count == 2)
      #expect(refused.elements.allSatisfy { $0.code == .storeMismatch })
      let loser = try #require(refused.elements.first).index
      #expect(refused.elements.allSatisfy { $0.index == loser })
      let winner = 1 - loser
      try expect(target, toBe: [Self.one, Self.two][winner], with: sources[winner].store.origin)
    }
  }

  @Test func `a refused batch changes nothing, the identity included`() throws {
    let source = try replica(1, Self.one)
    let target = try replica(3)
    let before = target.store.storeID
    let batch = Array(try source.transactions().dropFirst())
    let refusal = #expect(throws: SyncError.self) {
      try SyncResponder(store: target.store).take(batch, of: Self.one)
    }
    #expect(refusal?.code == .corrupt)
    #expect(target.store.storeID == before)
    #expect(try target.store.status().storeID == before)
  }

  @Test func `an empty batch asks and changes nothing`() throws {
    let empty = try replica(3)
    let before = empty.store.storeID
    _ = try empty.store.take([], of: Self.one)
    #expect(empty.store.storeID == before)
    let full = try replica(1, Self.one)
    _ = try full.store.take([], of: Self.one)
    #expect(throws: RecordStoreError.storeMismatch(local: Self.one, offered: Self.two)) {
      _ = try full.store.take([], of: Self.two)
    }
  }

  @Test func `a store that holds a transaction back keeps its data set`() throws {
    let future = try SimulatedReplica(name: "future", seed: 9, now: 1_900_000_600_000)
    try future.store.adopt(Self.one)
    try future.store.write { try $0.put("c", .integer(1), []) }
    let target = try replica(3)
    #expect(try target.store.take(future.transactions(), of: Self.one).held == 1)
    #expect(target.store.storeID == Self.one)
    let other = try replica(2, Self.two)
    #expect(throws: RecordStoreError.storeMismatch(local: Self.one, offered: Self.two)) {
      _ = try target.store.take(other.transactions(), of: Self.two)
    }
  }

  @Test func `a journal is listed with the data set it belongs to`() throws {
    let source = try replica(1, Self.one)
    let target = try replica(3)
    _ = try target.store.take(source.transactions(), of: Self.one)
    let (storeID, journal) = try target.store.transactions(since: VersionVector())
    #expect(storeID == Self.one)
    #expect(try journal.next()?.dot.origin == source.store.origin)
  }
}
