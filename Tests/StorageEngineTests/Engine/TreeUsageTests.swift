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
      // Ascending keys fill their leaves.
      try store.commit((0..<2000).map { Workload.put("full", Workload.key(0, $0), [1, 2, 3]) })
      try store.commit((0..<2000).map { Workload.put("sparse", Workload.key(0, $0), [1, 2, 3]) })
      let kept = (0..<2000).filter { $0 % 3 != 0 }
      try store.commit(kept.map { Workload.delete("sparse", Workload.key(0, $0)) })
      let usage = try usage(store)
      let pages = try #require(
        store.database.information().trees.first { $0.name == "full" }
          .map { $0.leafPages + $0.branchPages })
      #expect(usage["empty"] == TreeUsage.none("empty"))
      #expect(usage["full"]?.bytes == pages * 4096)
      #expect(try #require(usage["full"]).fillPercent > 70)
      #expect((20..<60).contains(try #require(usage["sparse"]).fillPercent))
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
      #expect(estimate.isEstimate)
      #expect(estimate.fillPercent > 70)
      let pages = try #require(
        store.database.information().trees.first { $0.name == "many" }
          .map { $0.leafPages + $0.branchPages })
      #expect(estimate.bytes == pages * 4096)
    }
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
