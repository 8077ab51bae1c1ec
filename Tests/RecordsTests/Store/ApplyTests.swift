// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
@testable import Records
import StorageEngine
import TestSupport
import Testing

@Suite("Applying transactions of others")
struct ApplyTests {
  @Test func `applying again changes nothing`() throws {
    try withReplicas(2) { replicas in
      try replicas[0].store.put("c", .text("k"), ["a": .integer(1)])
      try replicas[0].store.put("c", .text("k"), ["a": .integer(2)])
      let all = try replicas[0].transactions()
      var outcome = try replicas[1].store.apply(all)
      #expect(outcome.applied == 2 && outcome.operations == 2 && outcome.known == 0)
      let before = try replicas[1].trees()
      outcome = try replicas[1].store.apply(all + all)
      #expect(outcome.applied == 0 && outcome.known == 4)
      #expect(try replicas[1].trees() == before)
      #expect(try replicas[1].store.apply([]) == ApplyOutcome())
    }
  }

  @Test func `a batch may come in any order, and is applied as a whole or not at all`() throws {
    try withReplicas(2) { replicas in
      for number in 0..<4 { try replicas[0].store.put("c", .integer(Int64(number)), [:]) }
      let all = try replicas[0].transactions()
      #expect(throws: JournalError.gap(all[2].dot, expected: 1)) {
        _ = try replicas[1].store.apply([all[3], all[2]])
      }
      #expect(throws: JournalError.self) {
        _ = try replicas[1].store.apply([all[0], all[1], all[3]])
      }
      #expect(try replicas[1].store.appliedVector().isEmpty)
      #expect(try replicas[1].store.apply(all.reversed()).applied == 4)
      #expect(try replicas[1].trees() == replicas[0].trees())
    }
  }

  @Test func `one that needs another is refused until that has come`() throws {
    try withReplicas(3) { replicas in
      try replicas[0].store.put("c", .text("cause"), [:])
      _ = try replicas[1].store.apply(replicas[0].transactions())
      try replicas[1].store.put("c", .text("effect"), [:])
      let all = try replicas[1].transactions()
      #expect(throws: JournalError.waiting(all[1].dot, for: all[0].dot)) {
        _ = try replicas[2].store.apply([all[1]])
      }
      _ = try replicas[2].store.apply(all)
      #expect(try replicas[2].trees() == replicas[1].trees())
    }
  }

  @Test func `what is from too far ahead is held whole, and released when time catches up`()
    throws
  {
    let future = TestClock(1_800_000_120_000)
    let writer = try TestReplica(seed: 1, clock: future, storeID: StoreID(high: 1, low: 2))
    try writer.store.write { transaction in
      try transaction.put("c", .text("one"), [.init("x", .integer(1))])
      try transaction.put("d", .text("two"), [])
    }
    try writer.store.put("c", .text("three"), [:])
    try withReplicas(2) { replicas in
      let (one, two) = (replicas[0], replicas[1])
      let outcome = try one.store.apply(writer.transactions())
      #expect(outcome.held == 2 && outcome.applied == 0)
      #expect(try one.store.read { try $0.collections() }.isEmpty)
      var status = try one.store.status()
      #expect(status.held.map(\.reason).first == .tooFarAhead(releaseAt: 1_800_000_060_000))
      #expect(status.held.map(\.release).first == 1_800_000_060_000)
      #expect(status.held.map(\.operationCount) == [2, 1])
      #expect(try one.store.appliedVector().isEmpty)
      #expect(try one.store.receivedVector()[writer.store.origin] == 2)
      // Held ones are not passed on, and come again without harm.
      #expect(try one.transactions().isEmpty)
      #expect(try one.store.apply(writer.transactions()).held == 2)
      #expect(try one.store.status().held.count == 2)
      // Local writes go on, and do not follow the clock that is ahead.
      try one.store.put("c", .text("own"), [:])
      _ = try two.store.apply(one.transactions())
      one.clock.advance(by: 59_999)
      #expect(try one.store.releaseHeld().applied == 0)
      one.clock.advance(by: 1)
      try one.reopen()
      status = try one.store.status()
      #expect(status.held.isEmpty)
      #expect(try one.store.get("c", .text("three")) != nil)
      _ = try two.store.apply(one.transactions())
      #expect(try one.trees() == two.trees())
    }
    try writer.finish()
  }

  @Test func `a write and an applied batch release what is due as well`() throws {
    let future = TestClock(1_800_000_120_000)
    let writer = try TestReplica(seed: 1, clock: future, storeID: StoreID(high: 1, low: 2))
    try writer.store.put("c", .text("one"), [:])
    let clock = TestClock()
    try withReplicas(2, clock: clock) { replicas in
      for replica in replicas { _ = try replica.store.apply(writer.transactions()) }
      clock.advance(by: 60_000)
      try replicas[0].store.put("c", .text("own"), [:])
      #expect(try replicas[0].store.get("c", .text("one")) != nil)
      #expect(try replicas[1].store.apply(replicas[0].transactions()).applied == 2)
    }
    try writer.finish()
  }

  @Test func `two transactions of one name are a fork`() throws {
    try withReplicas(1) { replicas in
      let one = try TestReplica(seed: 5, storeID: StoreID(high: 1, low: 2))
      let copy = try TestReplica(seed: 5, storeID: StoreID(high: 1, low: 2))
      #expect(one.store.origin == copy.store.origin)
      try one.store.put("c", .text("k"), ["a": .integer(1)])
      try copy.store.put("c", .text("k"), ["a": .integer(2)])
      let (first, second) = (try one.transactions()[0], try copy.transactions()[0])
      _ = try replicas[0].store.apply([first])
      #expect(
        throws: JournalError.fork(first.dot, known: first.hash, offered: second.hash)
      ) {
        _ = try replicas[0].store.apply([second])
      }
      // So it is in the chain behind it.
      try copy.store.put("c", .text("k"), ["a": .integer(3)])
      #expect(throws: JournalError.self) {
        _ = try replicas[0].store.apply([copy.transactions()[1]])
      }
      #expect(throws: JournalError.self) { _ = try one.store.apply([second]) }
      try one.finish()
      try copy.finish()
    }
  }

  @Test func `a transaction of our own that we do not have shows that we are an older copy`()
    throws
  {
    let one = try TestReplica(seed: 5)
    try one.store.put("c", .text("k"), ["a": .integer(1)])
    let older = try TestReplica(seed: 5)
    let all = try one.transactions()
    #expect(throws: RecordStoreError.rollback(all[0].dot)) { _ = try older.store.apply(all) }
    #expect(try older.store.appliedVector().isEmpty)
    try one.finish()
    try older.finish()
  }

  @Test func `an effect that claims to be before its cause is refused`() throws {
    try withReplicas(2) { replicas in
      try replicas[0].store.put("c", .text("k"), [:])
      let cause = try replicas[0].transactions()[0]
      let origin = Origin(replica: ReplicaID(high: 9, low: 9), incarnation: 9)
      var dependencies = VersionVector()
      dependencies[cause.dot.origin] = 1
      let part = CollectionPart(
        collection: "c",
        operations: [Operation(collection: "c", key: .text("k"), change: .delete)])
      let effect = try EncodedTransaction(
        JournalTransaction(
          origin: origin, sequence: 1, timestamp: cause.header.timestamp,
          dependencies: dependencies, previousHash: .zero, parts: [part]))
      #expect(throws: JournalError.self) { _ = try replicas[1].store.apply([cause, effect]) }
      #expect(try replicas[1].store.appliedVector().isEmpty)
    }
  }

  @Test func `adoption needs an empty store or force`() throws {
    try withReplica { replica in
      let other = StoreID(high: 7, low: 7)
      try replica.store.adopt(other)
      #expect(replica.store.storeID == other)
      try replica.store.put("c", .text("k"), [:])
      try replica.store.adopt(other)
      let third = StoreID(high: 8, low: 8)
      #expect(throws: RecordStoreError.storeMismatch(local: other, offered: third)) {
        try replica.store.adopt(third)
      }
      try replica.store.adopt(third, force: true)
      try replica.reopen()
      #expect(replica.store.storeID == third)
    }
  }

  @Test func `chain heads and hashes are those of the journal`() throws {
    try withReplicas(2) { replicas in
      try replicas[0].store.put("c", .text("a"), [:])
      try replicas[0].store.put("c", .text("b"), [:])
      let all = try replicas[0].transactions()
      _ = try replicas[1].store.apply(all)
      #expect(try replicas[1].store.chainHeads().map(\.dot) == [all[1].dot])
      #expect(try replicas[1].store.chainHeads().map(\.hash) == [all[1].hash])
      #expect(try replicas[1].store.chainHash(of: all[0].dot) == all[0].hash)
      let missing = Dot(origin: all[0].dot.origin, sequence: 3)
      #expect(try replicas[1].store.chainHash(of: missing) == nil)
      #expect(try replicas[1].transactions(since: replicas[0].store.appliedVector()).isEmpty)
    }
  }
}
