// SPDX-License-Identifier: Apache-2.0

import Workloads

/// What the store's own engine should reach in a row.
enum Goal {
  /// So many times as fast as the fastest peer.
  case timesBestPeer(Double)
  /// At most so many times the flush floor.
  case timesFloor(Double)
  /// At most this, in the row's unit.
  case atMost(Double)

  var text: String {
    switch self {
    case .timesBestPeer(let factor): "≥ \(factor) × the best peer"
    case .timesFloor(let factor): "≤ \(factor) × the flush floor"
    case .atMost(let limit): "≤ \(limit)"
    }
  }
}

extension Row {
  /// As DESIGN and the plan of the benchmark set it.
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
    case .commitSlowest, .peakMemory: nil
    }
  }
}
