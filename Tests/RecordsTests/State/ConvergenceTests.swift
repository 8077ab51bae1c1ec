// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
@testable import Records
import TestSupport
import Testing

@Suite("Records, merging")
struct ConvergenceTests {
  /// Replicas that write and exchange at random, and an observer for each of several orders.
  @Test(arguments: 0..<12)
  func `any causal order of the same transactions gives the same bytes`(round: Int) throws {
    var random = SplitMix64(seed: TestEnvironment.seed &+ UInt64(round))
    print("seed \(TestEnvironment.seed), round \(round)")
    let clock = TestClock()
    try withReplicas(3, seed: random.next(), clock: clock) { writers in
      for _ in 0..<60 {
        clock.advance(by: UInt64(random.below(3)))
        let writer = writers[random.below(writers.count)]
        if random.chance(1, in: 3) {
          let other = writers[random.below(writers.count)]
          let missing = try other.transactions(since: writer.store.appliedVector())
          _ = try writer.store.apply(missing)
        } else {
          try writer.store.write { try Self.writeSomething($0, &random) }
        }
      }
      for writer in writers {
        for other in writers {
          _ = try writer.store.apply(other.transactions(since: writer.store.appliedVector()))
        }
      }
      let all = try writers[0].transactions()
      let expected = try writers[0].trees()
      for writer in writers { #expect(try writer.trees() == expected) }
      try withReplicas(3, seed: random.next(), clock: clock) { observers in
        for observer in observers {
          try Self.deliver(all, to: observer, &random)
          #expect(try observer.trees() == expected)
        }
      }
    }
  }

  /// Makes a few changes to a few records, so that many of them meet.
  static func writeSomething(
    _ transaction: RecordTransaction, _ random: inout SplitMix64
  ) throws {
    for _ in 0...random.below(3) {
      let collection = ["a", "b"][random.below(2)]
      let key = RecordKey.integer(Int64(random.below(4)))
      switch random.below(5) {
      case 0: try transaction.delete(collection, key)
      case 1:
        let field = ["x", "y", "é"][random.below(3)]
        let value: Value? = random.chance(1, in: 3) ? nil : .integer(Int64(random.below(9)))
        try transaction.patch(collection, key, [FieldChange(field: field, value: value)])
      default:
        let fields = ["x", "y", "zz"].filter { _ in random.chance(1, in: 2) }.map {
          StoredRecord.Field($0, .text("\(random.below(5))"))
        }
        try transaction.put(collection, key, fields)
      }
    }
  }

  /// Delivers transactions in a random causal order, in batches of random length.
  static func deliver(
    _ all: [EncodedTransaction], to replica: TestReplica, _ random: inout SplitMix64
  ) throws {
    var waiting = all
    var applied = VersionVector()
    while !waiting.isEmpty {
      var batch: [EncodedTransaction] = []
      for _ in 0...random.below(4) {
        let ready = waiting.indices.filter { slot in
          let header = waiting[slot].header
          return header.sequence == applied[header.origin] + 1
            && applied.dominates(header.dependencies)
        }
        guard !ready.isEmpty else { break }
        let next = waiting.remove(at: ready[random.below(ready.count)])
        applied[next.header.origin] = next.header.sequence
        batch.append(next)
      }
      _ = try replica.store.apply(batch)
      if random.chance(1, in: 5) { _ = try replica.store.apply(batch) }
    }
  }

  @Test func `a later write replaces what it has seen, and only that`() throws {
    try withReplicas(2) { replicas in
      let (one, two) = (replicas[0], replicas[1])
      try one.store.put("c", .text("k"), ["x": .integer(1), "y": .integer(1)])
      _ = try two.store.apply(one.transactions())
      one.clock.advance(by: 10)
      try one.store.put("c", .text("k"), ["x": .integer(2), "y": .integer(1)])
      try two.store.put("c", .text("k"), ["x": .integer(1), "y": .integer(3)])
      _ = try two.store.apply(one.transactions())
      _ = try one.store.apply(two.transactions())
      #expect(
        try one.store.get("c", .text("k"))?.values == ["x": .integer(2), "y": .integer(3)])
      #expect(try one.trees() == two.trees())
    }
  }

  @Test func `of concurrent writes the last is seen, and a write that has seen both settles them`()
    throws
  {
    try withReplicas(2) { replicas in
      let (one, two) = (replicas[0], replicas[1])
      try one.store.put("c", .text("k"), ["x": .text("first")])
      one.clock.advance(by: 5)
      try two.store.put("c", .text("k"), ["x": .text("second")])
      _ = try one.store.apply(two.transactions())
      _ = try two.store.apply(one.transactions())
      #expect(try one.store.get("c", .text("k"))?["x"] == .text("second"))
      let before = try one.store.transactionCount()
      // The same value as is seen: written all the same, because it settles the two.
      #expect(try one.store.put("c", .text("k"), ["x": .text("second")]))
      #expect(try one.store.transactionCount() == before + 1)
      #expect(try !one.store.put("c", .text("k"), ["x": .text("second")]))
      _ = try two.store.apply(one.transactions())
      #expect(try one.trees() == two.trees())
    }
  }

  @Test func `a change concurrent with a deletion revives the whole record`() throws {
    try withReplicas(2) { replicas in
      let (one, two) = (replicas[0], replicas[1])
      try one.store.put("c", .text("k"), ["x": .integer(1), "y": .integer(2)])
      _ = try two.store.apply(one.transactions())
      try one.store.write { try $0.delete("c", .text("k")) }
      try two.store.write {
        try $0.patch("c", .text("k"), [FieldChange(field: "x", value: .integer(9))])
      }
      _ = try one.store.apply(two.transactions())
      _ = try two.store.apply(one.transactions())
      for replica in replicas {
        #expect(
          try replica.store.get("c", .text("k"))?.values == ["x": .integer(9), "y": .integer(2)])
      }
      // Whoever deletes it now has seen the change.
      try two.store.write { try $0.delete("c", .text("k")) }
      _ = try one.store.apply(two.transactions())
      #expect(try one.store.get("c", .text("k")) == nil)
    }
  }

  @Test func `putting what is seen of a record deleted elsewhere settles its life`() throws {
    try withReplicas(2) { replicas in
      let (one, two) = (replicas[0], replicas[1])
      try one.store.put("c", .text("k"), ["x": .integer(1)])
      _ = try two.store.apply(one.transactions())
      try one.store.write { try $0.delete("c", .text("k")) }
      try two.store.put("c", .text("k"), ["x": .integer(2)])
      _ = try two.store.apply(one.transactions())
      // Nothing to be seen changes, and yet it is written: the deletion is overruled for good.
      #expect(try two.store.put("c", .text("k"), ["x": .integer(2)]))
      #expect(try !two.store.put("c", .text("k"), ["x": .integer(2)]))
      _ = try one.store.apply(two.transactions())
      #expect(try one.trees() == two.trees())
      #expect(try one.store.get("c", .text("k"))?.values == ["x": .integer(2)])
    }
  }

  @Test func `a record deleted and made again has only its new fields, on every replica`() throws {
    try withReplicas(2) { replicas in
      let (one, two) = (replicas[0], replicas[1])
      try one.store.put("c", .text("k"), ["x": .integer(1), "y": .integer(2)])
      try one.store.write { try $0.delete("c", .text("k")) }
      _ = try two.store.apply(one.transactions())
      try two.store.put("c", .text("k"), ["x": .integer(1)])
      _ = try one.store.apply(two.transactions())
      for replica in replicas {
        #expect(try replica.store.get("c", .text("k"))?.values == ["x": .integer(1)])
      }
      // Also with a patch: what was deleted does not come back.
      try one.store.write { try $0.delete("c", .text("k")) }
      try one.store.write {
        try $0.patch("c", .text("k"), [FieldChange(field: "z", value: .null)])
      }
      #expect(try one.store.get("c", .text("k"))?.values == ["z": .null])
    }
  }

  @Test func `several writes of one record in one transaction count as the last`() throws {
    try withReplicas(2) { replicas in
      let (one, two) = (replicas[0], replicas[1])
      try one.store.write { transaction in
        try transaction.put("c", .text("k"), [.init("x", .integer(1)), .init("y", .integer(1))])
        try transaction.delete("c", .text("k"))
        try transaction.put("c", .text("k"), [.init("x", .integer(2))])
        try transaction.put("c", .text("gone"), [.init("x", .integer(2))])
        try transaction.delete("c", .text("gone"))
      }
      _ = try two.store.apply(one.transactions())
      #expect(try two.store.get("c", .text("k"))?.values == ["x": .integer(2)])
      #expect(try two.store.get("c", .text("gone")) == nil)
      #expect(try one.trees() == two.trees())
    }
  }
}
