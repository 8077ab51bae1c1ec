// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// What a store says of its trees and readers.
struct TreeUsageTests {
  @Test
  func `the pages of a tree and how full they are is told exactly where they are few`() throws {
    try withStore { store in
      try store.commit([.createTree("empty"), .createTree("full"), .createTree("sparse")])
      try store.commit((0..<10_000).map { Workload.put("full", Workload.key(0, $0), [1, 2, 3]) })
      try store.commit((0..<10_000).map { Workload.put("sparse", Workload.key(0, $0), [1, 2, 3]) })
      let kept = (0..<10_000).filter { $0 % 3 != 0 }
      try store.commit(kept.map { Workload.delete("sparse", Workload.key(0, $0)) })
      let usage = try usage(store)
      #expect(usage["empty"] == TreeUsage.none("empty"))
      // Leaves that were joined share less of their keys.
      for (name, digits) in [("full", 3...4), ("sparse", 3...5)] {
        let tree = try tree(name, in: store)
        let found = try #require(usage[name])
        #expect(found.bytes == (tree.leafPages + tree.branchPages) * 4096)
        #expect(Self.fill(of: tree, valueBytes: 3, digits).contains(found.fillPercent))
      }
      #expect(usage.values.allSatisfy { !$0.isEstimate })
    }
  }

  @Test
  func `pages of large values count, and many leaves are estimated from a few`() throws {
    try withStore { store in
      try store.commit([.createTree("large"), .createTree("many")])
      try store.commit([Workload.put("large", "paged", [UInt8](repeating: 1, count: 10_000))])
      try store.commit([Workload.put("large", "runs", [UInt8](repeating: 1, count: 100_000))])
      let many = (0..<40_000).map {
        Workload.put("many", Workload.key(0, $0), [UInt8](repeating: 7, count: 60))
      }
      try store.commit(many)
      let usage = try usage(store)
      #expect(usage["large"]?.bytes == (1 + 3 + 25) * 4096)
      let estimate = try #require(usage["many"])
      let tree = try tree("many", in: store)
      #expect(estimate.isEstimate)
      #expect(estimate.bytes == (tree.leafPages + tree.branchPages) * 4096)
      #expect(Self.fill(of: tree, valueBytes: 60, 2...4).contains(estimate.fillPercent))
    }
  }

  private func tree(
    _ name: String, in store: TestStore
  ) throws -> DatabaseInformation.Tree {
    try #require(store.database.information().trees.first { $0.name == name })
  }

  /// The percentages that a tree's fill lies between when its leaves have all of a key but so many
  /// of its last digits once, and sixteen bytes beside each key and value; the first and the last
  /// leaf have whole keys.
  private static func fill(
    of tree: DatabaseInformation.Tree, valueBytes: Int, _ digits: ClosedRange<Int>
  ) -> ClosedRange<Int> {
    let (leaves, entries) = (Int(tree.leafPages), Int(tree.entries))
    func percent(_ bytes: Int) -> Int {
      let room = leaves * (4096 - 64)
      return (bytes * 100 + room - 1) / room
    }
    let keyBytes = Workload.key(0, 0).utf8.count
    let wholeKeys = 2 * (4096 - 64) / (16 + valueBytes + keyBytes)
    let least = entries * (16 + valueBytes + digits.lowerBound)
    let most = entries * (16 + valueBytes + digits.upperBound)
    return percent(least)...percent(most + (leaves + wholeKeys) * keyBytes)
  }

  private func usage(_ store: TestStore) throws -> [String: TreeUsage] {
    let all = try store.database.treeUsage()
    #expect(all.map(\.name) == (try store.database.information().trees.map(\.name)))
    return Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
  }
}

extension TreeUsage {
  fileprivate static func none(_ name: String) -> TreeUsage {
    TreeUsage(name: name, bytes: 0, fillPercent: 0, isEstimate: false)
  }
}
