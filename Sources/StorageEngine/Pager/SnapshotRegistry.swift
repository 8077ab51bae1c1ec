// SPDX-License-Identifier: Apache-2.0

/// Which states are being looked at, by LSN.
final class SnapshotRegistry: @unchecked Sendable {
  let lock = Lock()
  private var counts: [(lsn: UInt64, count: Int)] = []
  private var closes: UInt64 = 0

  /// Registers a view.
  ///
  /// Call under `lock`, together with reading the published state.
  func open(_ lsn: UInt64) {
    if let position = counts.firstIndex(where: { $0.lsn == lsn }) {
      counts[position].count += 1
    } else {
      let position = counts.firstIndex { $0.lsn > lsn } ?? counts.count
      counts.insert((lsn, 1), at: position)
    }
  }

  func close(_ lsn: UInt64) {
    lock.withLock {
      guard let position = counts.firstIndex(where: { $0.lsn == lsn }) else { return }
      counts[position].count -= 1
      if counts[position].count == 0 {
        counts.remove(at: position)
        closes += 1
      }
    }
  }

  /// The registered LSNs in ascending order, and a number that changes when one is given up.
  func current() -> (lsns: [UInt64], generation: UInt64) {
    lock.withLock { (counts.map(\.lsn), closes) }
  }
}
