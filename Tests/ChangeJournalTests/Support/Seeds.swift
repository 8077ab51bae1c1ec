// SPDX-License-Identifier: Apache-2.0

import TestSupport

/// Seeds for parameterised tests, which name the one that failed: only that of the environment
/// (`RECORD_STORE_SEED`) where it is set.
func testSeeds(_ count: Int) -> [UInt64] {
  guard TestEnvironment.text("RECORD_STORE_SEED") == nil else { return [TestEnvironment.seed] }
  var generator = SplitMix64(seed: TestEnvironment.seed)
  return (0..<count).map { _ in generator.next() }
}
