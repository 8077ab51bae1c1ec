// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// The search of a page's heads.
struct HeadSearchTests {
  private func page(_ heads: [UInt64]) throws -> (PageView, AlignedBuffer) {
    let buffer = try AlignedBuffer(count: 8192)
    let page = buffer.page(at: 0)
    page.store16(heads.count, PageLayout.count)
    for (index, head) in heads.enumerated() {
      page.store64(head, PageLayout.headerBytes + index * PageLayout.headBytes)
    }
    return (page, buffer)
  }

  @Test(arguments: 0...70)
  func `finds what going through all of them finds`(count: Int) throws {
    let seed = TestEnvironment.seed &+ UInt64(count)
    var random = SplitMix64(seed: seed)
    for spread in [2, 40, 5000] {
      let heads = (0..<count).map { _ in UInt64(random.below(spread)) << 40 }.sorted()
      let (page, buffer) = try page(heads)
      let sought = [0, 1, .max] + heads + heads.map { $0 + 1 } + heads.map { $0 &- 1 }
      try withExtendedLifetime(buffer) {
        for head in sought {
          for first in [0, 1, count / 2, count, count + 1] {
            let expected = heads.indices.dropFirst(first).first { heads[$0] >= head }
            let found = page.lowerBound(ofHead: head, from: first)
            guard found == expected ?? max(first, count) else {
              throw TestFailure("RECORD_STORE_SEED=\(seed): \(found) for \(head) from \(first)")
            }
          }
        }
      }
    }
  }
}
