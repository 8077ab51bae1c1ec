// SPDX-License-Identifier: Apache-2.0

import Workloads

/// What the store's own engine should reach in a row.
enum Goal {
  /// So many times as fast as the fastest peer.
  case timesBestPeer(Double)
  /// So many times as good as each of these peers, by the beginnings of their names.
  case timesPeers([(name: String, factor: Double)])
  /// At most so many times the flush floor.
  case timesFloor(Double)
  /// At most this, in the row's unit.
  case atMost(Double)
  /// At least this, in the row's unit.
  case atLeast(Double)

  var text: String {
    switch self {
    case .timesBestPeer(let factor): "≥ \(factor) × the best peer"
    case .timesPeers(let peers):
      "≥ " + peers.map { "\($0.factor) × \($0.name)" }.joined(separator: ", ")
    case .timesFloor(let factor): "≤ \(factor) × the flush floor"
    case .atMost(let limit): "≤ \(limit)"
    case .atLeast(let limit): "≥ \(limit)"
    }
  }
}

extension Row {
  /// Set before anything was measured, from what peers did on one machine.
  var goal: Goal? {
    switch self {
    case .loadRandom, .commitsOfThousand, .commitsOfManyThreads, .deleteHalf: .timesBestPeer(3)
    case .commitsOfEightThreads: .timesBestPeer(2.5)
    case .loadSorted: .timesBestPeer(1.1)
    case .commit: .timesFloor(1.15)
    case .commitUnflushed: .timesBestPeer(2)
    case .get, .getOnTwoThreads: .timesBestPeer(1.8)
    case .getTogether: .timesBestPeer(4)
    case .seek, .scan: .timesBestPeer(1.5)
    case .halfUpdates, .flushedUpdatesAmongGets: .timesBestPeer(1.3)
    case .loadedSize, .finalSize: .atMost(1.2)
    case .shrunkSize: .atMost(1.3)
    case .reopenClean: .atMost(0.010)
    case .reopenCrashed: .atMost(1)
    case .operationsFlushed: .timesBestPeer(1.25)
    case .operationsUnflushed: .timesBestPeer(1.5)
    case .commitDuringCheckpoints: .timesFloor(3)
    case .twoPhases, .twoPhasesOfEightThreads: .timesPeers([("RocksDB", 1.5)])
    case .beginRead: .atMost(50e-9)
    case .rateKept: .atLeast(0.9)
    case .snapshotGrowth: .timesPeers([("LMDB", 3)])
    case .indexInsert, .indexRange, .indexDelete: .timesPeers([("LMDB", 2), ("SQLite", 5)])
    case .segmentInsert, .segmentRead, .segmentUpdate, .segmentScan, .segmentInsertLarge,
      .segmentReadLarge, .segmentUpdateLarge, .segmentScanLarge:
      .timesPeers([("LMDB", 2), ("SQLite", 6), ("RocksDB", 3)])
    case .modelsInsert, .modelsFetch: .timesPeers([("GRDB", 5)])
    case .modelsCommit: .timesPeers([("GRDB", 1.3)])
    case .modelsCommitUnflushed, .modelsFetchByID: .timesPeers([("GRDB", 10)])
    case .commitSlowest, .peakMemory: nil
    }
  }
}
