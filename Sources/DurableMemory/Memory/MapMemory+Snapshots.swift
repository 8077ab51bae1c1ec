// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Views of all entries, and figures.
extension MapMemory {
  /// Runs `body` with the lock, which the thread may hold already.
  func withLockUnlessHeld<R>(_ body: () -> R) -> R {
    if lock.isHeldHere { return body() }
    return lock.withLock(body)
  }

  /// The tables as they are now, which stay so until the snapshot is closed; `nil` when the map is
  /// closed.
  ///
  /// Call under the lock.
  func openSnapshot() -> (tables: [SlotTable], count: Int, number: UInt64)? {
    guard directory.exists else { return nil }
    let number = snapshots.add(epochs.current)
    return (directory.distinctTables, count.load(ordering: .relaxed), number)
  }

  /// Ends a snapshot.
  ///
  /// Call under the lock.
  func closeSnapshot(_ number: UInt64) {
    snapshots.close(number)
    reclaim()
  }

  /// The figures; call under the lock.
  var metrics: DurableMapMetrics {
    DurableMapMetrics(
      count: count.load(ordering: .relaxed), keyBytes: keyBytes, valueBytes: valueBytes,
      memoryBytes: byteCount, waitingCount: limbo.count, snapshotCount: snapshots.count)
  }
}
