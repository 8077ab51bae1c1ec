// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// Memory that was used is used again before any that was not.
struct FrameReuseTests {
  @Test
  func `many commits to one page take few frames of the cache`() throws {
    try withStore { store in
      try store.commit([.createTree("main")])
      let pool = store.database.pager.pool
      let before = pool.lock.withLock { pool.freeCount }
      for round in 0..<500 {
        try store.commit([Workload.put("main", "key", [UInt8(round & 0xFF)])])
      }
      let taken = pool.lock.withLock { before - pool.freeCount }
      #expect(taken < 100)
    }
  }

  @Test
  func `a frame that a reader may look at is not used again`() throws {
    try withStore { store in
      try store.commit([.createTree("main"), Workload.put("main", "key", [0])])
      let pool = store.database.pager.pool
      let slot = pool.epochs.enter()
      let before = pool.lock.withLock { pool.freeCount }
      for round in 0..<200 {
        try store.commit([Workload.put("main", "key", [UInt8(round & 0xFF)])])
      }
      let taken = pool.lock.withLock { before - pool.freeCount }
      #expect(taken >= 190)
      pool.epochs.leave(slot)
      try store.commit([Workload.put("main", "key", [1])])
      for round in 0..<40 { try store.commit([Workload.put("main", "key", [UInt8(round)])]) }
      #expect(pool.lock.withLock { pool.limboCount } < 100)
    }
  }
}
