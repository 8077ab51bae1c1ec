// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// What a transaction reserves is enough, whatever its changes and whatever the tree contains.
struct PageDemandTests {
  /// What entries of a tree look like.
  private struct Shape {
    var keyBytes: ClosedRange<Int>
    var valueBytes: ClosedRange<Int>
    /// Keys begin alike, so that pages share a prefix.
    var prefix = 0
  }

  private static let shapes = [
    Shape(keyBytes: 4...8, valueBytes: 0...40),
    Shape(keyBytes: 4...12, valueBytes: 0...1000),
    Shape(keyBytes: 700...1000, valueBytes: 0...20),
    Shape(keyBytes: 4...1000, valueBytes: 0...5000, prefix: 20),
    Shape(keyBytes: 1000...1000, valueBytes: 3000...66_000, prefix: 10),
  ]

  static let runs = TestEnvironment.count("RECORD_STORE_DEMAND_RUNS", quick: 40)

  @Test(arguments: 0..<runs)
  func `a commit never takes more pages than it reserves`(_ number: Int) throws {
    let seed = TestEnvironment.seed &+ UInt64(number)
    var random = SplitMix64(seed: seed)
    let shape = Self.shapes[number % Self.shapes.count]
    let pageBytes = number % 2 == 0 ? 4096 : 8192
    try withStore(pageBytes: pageBytes) { store in
      try store.commit([.createTree("main")])
      for round in 0..<24 {
        // Some commits find pages of their own group, some only those of a checkpoint.
        if random.chance(1, in: 3) { try store.database.checkpoint() }
        let (taken, least, most) = try commit(shape, in: store.database, &random)
        guard taken <= least, taken <= most else {
          throw TestFailure(
            "RECORD_STORE_SEED=\(seed): round \(round) took \(taken) of \(least), \(most) pages")
        }
      }
    }
  }

  /// Commits random changes; returns how many pages they took, and both bounds.
  private func commit(
    _ shape: Shape, in database: Database, _ random: inout SplitMix64
  ) throws -> (taken: Int, least: Int, most: Int) {
    let pager = database.pager
    pager.structureLock.withLock { database.reclaimPages() }
    var before = 0
    var bounds = (0, 0)
    try database.write(durability: .manual) { transaction in
      let tree = try #require(try transaction.tree(named: "main"))
      try change(tree, shape, in: transaction, &random)
      let changes = SortedChanges(transaction.changes.recent)
      before = allocatedPages(pager)
      bounds = try pager.structureLock.withLock {
        (
          try pager.surveyedPages(for: changes, in: transaction.treeSet),
          try pager.mostPages(for: [], changes, in: transaction.treeSet).pages
        )
      }
    }
    return (allocatedPages(pager) - before, bounds.0, bounds.1)
  }

  private func allocatedPages(_ pager: Pager) -> Int {
    pager.structureLock.withLock { pager.map.allocated.reduce(0) { $0 + $1.nonzeroBitCount } }
  }

  private func change(
    _ tree: TreeID, _ shape: Shape, in transaction: WriteTransaction, _ random: inout SplitMix64
  ) throws {
    // A part of all keys, so that changes lie close together.
    let first = UInt8(random.below(200))
    let width = 1 + random.below(40)
    let deletes = random.below(4)
    for _ in 0..<random.below(shape.keyBytes.upperBound > 500 ? 150 : 600) {
      var key = [UInt8](repeating: 7, count: shape.prefix)
      key.append(first &+ UInt8(random.below(width)))
      key += random.bytes(max(1, random.in(shape.keyBytes) - key.count)).map { $0 % 12 }
      if random.below(4) < deletes {
        // Whole ranges, so that leaves become empty.
        let range = KeyRange(from: key, upTo: nil)
        let cursor = try transaction.cursor(in: tree, range: range)
        var left = random.below(30)
        while left > 0, try cursor.next() {
          try transaction.delete(cursor.key, in: tree)
          left -= 1
        }
      } else {
        let bytes = random.bytes(random.in(shape.valueBytes))
        try transaction.put(Array(bytes), forKey: key, in: tree)
      }
    }
  }
}

extension SplitMix64 {
  fileprivate mutating func `in`(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + below(range.count)
  }
}
