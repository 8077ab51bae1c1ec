// SPDX-License-Identifier: Apache-2.0

import Foundation
import Records
import StorageEngine
import Synchronization
import Workloads

/// Durable commits of one record each, on one thread or on many.
struct CommitWorkload {
  let threads: Int
  let commits: Int

  /// Seconds for all commits, and of each.
  struct Outcome {
    let seconds: Double
    let latencies: [Double]
  }

  /// Commits to the engine: one entry of 24 + 150 bytes a transaction.
  func runOnEngine(at path: String) throws -> Outcome {
    let database = try Database.create(at: path)
    let tree = try database.write { try $0.createTree(named: "records") }
    let table = RecordTable(0..<UInt64(commits))
    let outcome = run { index in
      try database.write { try $0.put(table.value(index), forKey: table.key(index), in: tree) }
    }
    try database.close()
    return try outcome.get()
  }

  /// Commits to a record store: one record with a field of 150 bytes a transaction, journaled.
  func runOnRecords(at path: String) throws -> Outcome {
    let store = try RecordStore.create(at: path)
    let table = RecordTable(0..<UInt64(commits))
    let outcome = run { index in
      let field = StoredRecord.Field("value", .bytes(table.value(index)))
      _ = try store.write { transaction in
        try transaction.put("records", .integer(Int64(index)), [field])
      }
    }
    try store.close()
    return try outcome.get()
  }

  /// Calls `commit` once for each number, spread over the threads.
  func run(_ commit: @escaping @Sendable (Int) throws -> Void) -> Result<Outcome, any Error> {
    let next = Atomic<Int>(0)
    let gathered = Mutex<(latencies: [Double], failure: (any Error)?)>(([], nil))
    let group = DispatchGroup()
    let start = ContinuousClock.now
    withExtendedLifetime(group) {
      for _ in 0..<threads {
        group.enter()
        Thread.detachNewThread { [commits] in
          defer { group.leave() }
          var latencies: [Double] = []
          do {
            while case let index = next.wrappingAdd(1, ordering: .relaxed).oldValue, index < commits
            {
              let begin = ContinuousClock.now
              try commit(index)
              latencies.append((ContinuousClock.now - begin) / .seconds(1))
            }
            gathered.withLock { $0.latencies += latencies }
          } catch {
            gathered.withLock { $0.failure = error }
          }
        }
      }
      group.wait()
    }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    return gathered.withLock { gathered in
      if let failure = gathered.failure { return .failure(failure) }
      return .success(Outcome(seconds: seconds, latencies: gathered.latencies))
    }
  }
}
