// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
@testable import Records
import StorageEngine
import TestSupport
import Testing

/// What a write remembers for the next one is believed only where it is true.
///
/// Each test ends with a check of the whole journal and of every record against it.
@Suite("Records, remembered between writes")
struct StoreMemoryTests {
  private struct Stop: Error {}

  @Test func `a write leaves what it knows to the next, which finds it right`() throws {
    try withReplica { replica in
      let store = replica.store
      for number: Int64 in 0..<3 { try store.put("c", .integer(number), [:]) }
      try store.database.write { trees in
        let memory = try #require(trees.takeNote() as? StoreMemory)
        #expect(memory.origin == store.origin && memory.journal != nil)
        trees.leaveNote(memory)
      }
      try store.put("c", .integer(3), [:])
      #expect(try replica.transactions().map(\.header.sequence) == [1, 2, 3, 4])
    }
  }

  @Test func `a batch that is refused halfway is forgotten as a whole`() throws {
    try withReplicas(2) { replicas in
      for number: Int64 in 0..<3 { try replicas[0].store.put("c", .integer(number), [:]) }
      let all = try replicas[0].transactions()
      let store = replicas[1].store
      try store.put("c", .text("warm"), [:])
      #expect(throws: JournalError.self) { _ = try store.apply([all[0], all[2]]) }
      #expect(try store.apply(all).applied == 3)
      try store.put("c", .text("after"), [:])
      let last = try #require(try replicas[1].transactions().last?.header)
      #expect(last.sequence == 2 && last.dependencies[replicas[0].store.origin] == 3)
    }
  }

  @Test func `a body that throws after it wrote leaves the next write its place`() throws {
    try withReplica { replica in
      let store = replica.store
      try store.put("c", .text("a"), [:])
      #expect(throws: Stop.self) {
        try store.write { transaction in
          try transaction.put("new", .text("b"), [])
          throw Stop()
        }
      }
      try store.put("new", .text("c"), [:])
      #expect(try replica.transactions().map(\.header.sequence) == [1, 2])
    }
  }

  @Test func `a write whose commit finds no room takes no place`() throws {
    try withReplica { replica in
      let store = replica.store
      try store.put("c", .text("a"), [:])
      replica.disk.setCapacity(try replica.disk.length())
      #expect(throws: EngineError.self) {
        try store.write { transaction in
          let field = StoredRecord.Field("x", .bytes([UInt8](repeating: 1, count: 100 << 10)))
          for key in 0..<100 { try transaction.put("new", .integer(Int64(key)), [field]) }
        }
      }
      replica.disk.setCapacity(1 << 40)
      try store.put("new", .text("b"), [:])
      #expect(try replica.transactions().map(\.header.sequence) == [1, 2])
    }
  }

  @Test func `a write that is refused at its commit takes no place`() throws {
    final class Refusing: CommitParticipant {
      func prepareCommit(_ transaction: WriteTransaction) throws { throw Stop() }
    }
    try withReplica { replica in
      let store = replica.store
      try store.put("c", .text("a"), [:])
      store.database.setCommitParticipant(Refusing())
      #expect(throws: Stop.self) { try store.put("new", .text("b"), [:]) }
      store.database.setCommitParticipant(nil)
      try store.put("new", .text("c"), [:])
      #expect(try replica.transactions().map(\.header.sequence) == [1, 2])
    }
  }

  @Test func `after the disk failed nothing is remembered that it lost`() throws {
    let clock = TestClock()
    let replica = try TestReplica(seed: TestEnvironment.seed, clock: clock)
    try replica.store.put("c", .text("a"), [:])
    replica.disk.inject(
      Fault(call: replica.disk.calls, kind: .system(errno: 5), lasts: true))
    for _ in 0..<3 {
      #expect(throws: EngineError.self) { try replica.store.put("c", .text("lost"), [:]) }
    }
    replica.disk.inject(nil)
    #expect(throws: EngineError.self) { try replica.store.put("c", .text("lost"), [:]) }
    let survivor = try TestReplica(
      opening: replica.disk.crashed(.loseAll), clock: clock)
    try survivor.store.put("c", .text("b"), [:])
    #expect(try survivor.transactions().map(\.header.sequence) == [1, 2])
    try survivor.finish()
  }

  @Test func `transactions of others that come between are what the next write depends on`()
    throws
  {
    try withReplicas(2) { replicas in
      let (one, two) = (replicas[0], replicas[1])
      var stamps: [HybridTimestamp] = []
      for number: Int64 in 0..<4 {
        try one.store.put("c", .text("k"), ["n": .integer(number)])
        _ = try two.store.apply(one.transactions(since: two.store.appliedVector()))
        try two.store.put("c", .text("k"), ["n": .integer(100 + number)])
        let last = try #require(try two.transactions().last?.header)
        #expect(last.dependencies[one.store.origin] == UInt64(number) + 1)
        stamps.append(last.timestamp)
        _ = try one.store.apply(two.transactions(since: one.store.appliedVector()))
      }
      #expect(stamps == stamps.sorted())
      #expect(try one.trees() == two.trees())
    }
  }

  @Test func `what is put aside between two writes is released by a later one`() throws {
    let future = TestClock(1_800_000_120_000)
    let writer = try TestReplica(seed: 1, clock: future, storeID: StoreID(high: 1, low: 2))
    try writer.store.put("c", .text("ahead"), [:])
    let clock = TestClock()
    try withReplicas(1, clock: clock) { replicas in
      let store = replicas[0].store
      try store.put("c", .text("a"), [:])
      #expect(try store.apply(writer.transactions()).held == 1)
      try store.put("c", .text("b"), [:])
      #expect(try store.status().held.count == 1)
      clock.advance(by: 600_000)
      try store.put("c", .text("c"), [:])
      #expect(try store.status().held.isEmpty)
      try store.put("c", .text("d"), [:])
      #expect(try store.get("c", .text("ahead")) != nil)
      let last = try #require(try replicas[0].transactions().last?.header)
      #expect(last.sequence == 4 && last.dependencies[writer.store.origin] == 1)
    }
    try writer.finish()
  }

  @Test func `many threads that write, throw, apply and change the database make one journal`()
    throws
  {
    try withReplicas(2) { replicas in
      for number: Int64 in 0..<40 { try replicas[0].store.put("o", .integer(number), [:]) }
      let foreign = try replicas[0].transactions()
      let store = replicas[1].store
      try runThreads(8) { thread in
        for step in 0..<40 {
          switch thread {
          case 0: _ = try store.apply([foreign[step]])
          case 1:
            #expect(throws: Stop.self) {
              try store.write { transaction in
                try transaction.put("c", .integer(Int64(step)), [])
                throw Stop()
              }
            }
          case 2: try store.database.write { _ = $0.takeNote() }
          default: try store.put("c", .integer(Int64(thread * 100 + step)), [:])
          }
        }
      }
      #expect(try store.appliedVector()[store.origin] == 200)
      #expect(try store.appliedVector()[replicas[0].store.origin] == 40)
    }
  }
}
