// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// When the engine asks for a checkpoint by itself.
struct CheckpointSchedulingTests {
  @Test
  func `a checkpoint is asked for once enough was logged, and once at a time`() throws {
    try withStore(adjust: { $0.checkpointBytes = 64 << 10 }) { store in
      try store.commit([.createTree("main")])
      for round in 1...3 {
        let before = try store.database.information().checkpointLSN
        #expect(store.scheduler.waiting == 0)
        for number in 0..<20 {
          let value = [UInt8](repeating: UInt8(number), count: 10_000)
          try store.commit([Workload.put("main", "\(round) \(number)", value)])
          #expect(store.scheduler.waiting == (number < 6 ? 0 : 1), "\(number)")
        }
        #expect(try store.database.information().checkpointLSN == before)
        #expect(store.scheduler.runAll() == 1)
        let information = try store.database.information()
        #expect(information.checkpointLSN == information.lsn)
      }
    }
  }
}
