// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// Transactions that outgrow their memory.
struct SpillTests {
  private struct Rollback: Error {}

  private static func withSmallMemory(_ body: (TestStore) throws -> Void) throws {
    try withStore(adjust: { $0.transactionMemoryBytes = 32 << 10 }, body)
  }

  @Test(arguments: 0..<8)
  func `a transaction reads what it wrote, wherever that is`(round: UInt64) throws {
    try Self.withSmallMemory { store in
      var model = Model()
      var random = SplitMix64(seed: 70 + round)
      try store.commit([.createTree("main"), .createTree("second")], to: &model)
      try store.commit(Workload.puts(200, of: 10...300, &random), to: &model)
      try store.database.write { transaction in
        for step in 0..<1500 {
          let tree = random.below(4) == 0 ? "second" : "main"
          let key = "key \(random.below(400))"
          let change: Change =
            switch random.below(8) {
            case 0, 1: Workload.delete(tree, key)
            case 2 where step % 50 == 0: Workload.put(tree, key, random.bytes(80_000))
            default: Workload.put(tree, key, random.bytes(random.below(400)))
            }
          try change.apply(to: transaction)
          model.apply(change)
          let probe = Array("key \(random.below(400))".utf8)
          let id = try #require(try transaction.tree(named: tree))
          #expect(try transaction.value(forKey: probe, in: id) == model.trees[tree]?[probe])
        }
        #expect(transaction.changes.spilled.count > 3)
        try model.verify(transaction)
        try Self.compareRanges(transaction, model)
      }
      try model.verify(try store.database.snapshot())
      try store.reopen()
      try model.verify(try store.database.snapshot())
    }
  }

  /// Visits ranges whose bounds are keys that are there, in both directions.
  private static func compareRanges(_ reader: any TreeReader, _ model: Model) throws {
    for (name, tree) in try reader.trees() {
      let keys = (model.trees[name] ?? [:]).keys.sorted { $0.lexicographicallyPrecedes($1) }
      for (lower, upper) in [(0, keys.count), (3, keys.count - 5), (keys.count / 2, keys.count)] {
        let range = KeyRange(
          from: lower < keys.count ? keys[lower] : nil,
          upTo: upper >= 0 && upper < keys.count ? keys[upper] : nil)
        let expected = Array(keys[max(0, lower)..<max(lower, min(upper, keys.count))])
        for reversed in [false, true] {
          let cursor = try reader.cursor(in: tree, range: range, reversed: reversed)
          var found: [[UInt8]] = []
          while try cursor.next() { found.append(cursor.key) }
          #expect(found == (reversed ? expected.reversed() : expected))
        }
      }
    }
  }

  @Test
  func `what was spilled and comes to nothing occupies nothing`() throws {
    try Self.withSmallMemory { store in
      try store.commit([.createTree("main")])
      var random = SplitMix64(seed: 4)
      func abort() throws {
        try store.database.write { transaction in
          for change in Workload.puts(500, of: 200...900, &random) {
            try change.apply(to: transaction)
          }
          try Workload.put("main", "big", random.bytes(100_000)).apply(to: transaction)
          throw Rollback()
        }
      }
      #expect(throws: Rollback.self) { try abort() }
      let free = try store.database.information().freeBytes
      for _ in 0..<3 {
        #expect(throws: Rollback.self) { try abort() }
        #expect(try store.database.information().freeBytes == free)
      }
    }
  }

  @Test
  func `spilled pages are free again after two checkpoints`() throws {
    try Self.withSmallMemory { store in
      var random = SplitMix64(seed: 6)
      try store.commit([.createTree("main")])
      for _ in 0..<12 {
        try store.commit(Workload.puts(600, of: 500...900, &random))
        try store.database.checkpoint()
      }
      // 300 keys of at most 900 bytes, and log and blocks of a few transactions of half a MiB.
      #expect(try store.database.information().fileBytes < 10 << 20)
    }
  }

  @Test
  func `a transaction beside others spills too, and its conflicts are found`() throws {
    try Self.withSmallMemory { store in
      try store.commit([.createTree("main"), .createTree("other")])
      var random = SplitMix64(seed: 8)
      func fill(_ transaction: Transaction, _ tree: String) throws {
        let tree = try #require(try transaction.tree(named: tree))
        for number in 0..<300 {
          try transaction.put(random.bytes(500), forKey: Array("k\(number)".utf8), in: tree)
        }
      }
      let first = try store.database.begin()
      let second = try store.database.begin()
      let third = try store.database.begin()
      try fill(first, "main")
      try fill(second, "other")
      let main = try #require(try third.tree(named: "main"))
      try third.put([1], forKey: Array("k3".utf8), in: main)
      let small = try store.database.begin()
      try small.put([2], forKey: Array("k7".utf8), in: main)
      try small.commit()
      #expect(throws: TransactionError.conflict(tree: "main")) { try first.commit() }
      try second.commit()
      try third.commit()
    }
  }
}
