// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// Power cuts while the file grows under commits, so many as `RECORD_STORE_GROWTH_COMMITS` says.
struct GrowthCrashTests {
  /// Sizes of values: in the leaf, in pages beside it, in a run of their own; and how many of a
  /// transaction: the last make groups of a size that goes into new extents uncleared.
  static let sizes = [(900, 2), (40_000, 2), (200_000, 2), (40_000, 9)]

  static let commits = TestEnvironment.count("RECORD_STORE_GROWTH_COMMITS", quick: 80)

  @Test(arguments: sizes, [false, true])
  func `what was acknowledged while the file grew survives every power cut`(
    _ kind: (size: Int, count: Int), checkpoints: Bool
  ) throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    try store.commit([.createTree("main")])
    var random = SplitMix64(seed: TestEnvironment.seed)
    for number in 0..<Self.commits {
      try store.commit(
        (0..<kind.count).map { Workload.put("main", "\($0)-\(number)", random.bytes(kind.size)) })
      if checkpoints { store.scheduler.runAll() }
      if number % 10 != 9 && kind.count == 2 { continue }
      for variant in CrashVariant.allCases {
        let crashed = try TestStore(opening: disk.crashed(variant, seed: UInt64(number)))
        let view = try crashed.database.snapshot()
        let count = try view.count(of: try #require(try view.tree(named: "main")))
        view.close()
        #expect(count == UInt64(kind.count * (number + 1)), "\(variant) after commit \(number)")
        try crashed.checkTwiceAndClose()
        Tally.countCrashImage()
      }
    }
    try store.checkTwiceAndClose()
  }
}
