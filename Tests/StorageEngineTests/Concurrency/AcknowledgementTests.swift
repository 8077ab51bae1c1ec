// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// A commit returns when its own group is durable, whoever flushed that.
struct AcknowledgementTests {
  @Test
  func `what came in while a group was flushed waits for the next`() throws {
    let disk = SimulatedDisk()
    let seed = TestEnvironment.seed
    try withStore(on: disk) { store in
      try store.commit([.createTree(ScriptedSeries.tree)])
      let database = store.database
      // So that others come in while one flushes.
      disk.setFlushDelay(microseconds: 2000)
      try runThreads(4) { thread in
        let series = ScriptedSeries(thread, seed: seed)
        for number in 1...10 {
          try database.write { transaction in
            for change in series.changes(number) { try change.apply(to: transaction) }
          }
          let cut = try TestStore(opening: disk.crashed(.loseAll))
          let view = try cut.database.snapshot()
          let found = try series.progress(in: view)
          guard found == number else {
            throw TestFailure("\(number) of series \(thread) had returned, \(found) was durable")
          }
          view.close()
          try cut.checkTwiceAndClose()
        }
      }
      disk.setFlushDelay(microseconds: 0)
    }
  }
}
