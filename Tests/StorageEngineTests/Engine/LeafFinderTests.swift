// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// What one step of a compaction looks at and takes, while commits wait.
struct LeafFinderTests {
  @Test func `a step looks at few leaves, whatever it finds`() throws {
    try withStore { store in
      try store.commit([.createTree("main")])
      let value = [UInt8](repeating: 1, count: 900)
      for round in 0..<8 {
        try store.commit((0..<1000).map { Workload.put("main", Workload.key(round, $0), value) })
        try store.database.checkpoint()
      }
      let database = store.database
      var finder = LeafFinder(pager: database.pager, firstPage: .max, mostLeaves: 512)
      var position: LeafPosition? = LeafPosition()
      var steps = 0
      while let start = position {
        position = try finder.collect(from: start, in: database.working)
        steps += 1
      }
      #expect(steps > 1 && finder.found.isEmpty)
    }
  }

  @Test func `a leaf of many large values is taken in several steps`() throws {
    try withStore { store in
      try store.commit([.createTree("main")])
      for number in 0..<40 {
        let value = [UInt8](repeating: UInt8(number), count: 1 << 20)
        try store.commit([Workload.put("main", "large \(number)", value)])
      }
      let database = store.database
      var keys: [[UInt8]] = []
      var position: LeafPosition? = LeafPosition()
      while let start = position {
        var finder = LeafFinder(pager: database.pager, firstPage: 0, mostLeaves: 1)
        position = try finder.collect(from: start, in: database.working)
        #expect(finder.found.reduce(0) { $0 + $1.value.count } <= 2 << 20)
        keys += finder.found.map(\.key)
      }
      let all = (0..<40).map { Array("large \($0)".utf8) }
      #expect(keys == all.sorted { $0.lexicographicallyPrecedes($1) })
      _ = try database.compact()
    }
  }
}
