// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// Which states are being looked at.
struct SnapshotRegistryTests {
  @Test(arguments: 0..<4)
  func `views opened and closed in any order are those that are open`(round: Int) {
    let seed = TestEnvironment.seed &+ UInt64(round)
    var random = SplitMix64(seed: seed)
    let registry = SnapshotRegistry()
    var open: [UInt64] = []
    var closes = 0
    for step in 0..<2000 {
      if open.isEmpty || random.below(20) < 11 {
        // Mostly the last state, at times an older one.
        let lsn = random.below(4) > 0 ? UInt64(step) / 10 : UInt64(random.below(1 + step / 10))
        registry.lock.withLock { registry.open(lsn) }
        open.append(lsn)
      } else if random.below(8) == 0 {
        // Nobody has it open.
        registry.close(1_000_000 + UInt64(step))
      } else {
        let lsn = open.remove(at: random.below(open.count))
        registry.close(lsn)
        if !open.contains(lsn) { closes += 1 }
      }
      let views = registry.current()
      #expect(views.lsns == Array(Set(open)).sorted(), "RECORD_STORE_SEED=\(seed)")
      #expect(views.generation == UInt64(closes), "RECORD_STORE_SEED=\(seed)")
    }
  }
}
