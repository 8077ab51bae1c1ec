// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization

/// Batches between the thread that reads and the one that commits: so many that there is always
/// some work waiting, and so few that memory stays bounded.
final class BatchQueue: Sendable {
  private struct State {
    var waiting: [InputBatch] = []
    /// Used batches, whose memory is used again.
    var spare: [PreparedBatch] = []
    /// The batches handed over and not given back, and their bytes.
    var heldCount = 0
    var heldBytes = 0
    /// Records handed over.
    var records: UInt64 = 0
  }

  /// Batches that are written together at most, and their bytes.
  private static let groupCount = 7
  private static let groupBytes = 28 << 20
  /// Batches that are under way at most, and their bytes, unless there are few.
  private static let mostHeld = 9
  private static let mostHeldBytes = 64 << 20
  private static let fewHeld = 3
  /// Memory of a batch above which it is not kept.
  private static let keptBytes = 8 << 20

  private let state = Mutex(State())
  private let roomChanged = DispatchSemaphore(value: 0)

  /// Waits until a batch can be handed over, and returns an empty one.
  func emptyBatch() -> PreparedBatch {
    while true {
      let batch = state.withLock { state -> PreparedBatch? in
        let isFull = state.heldCount >= Self.mostHeld || state.heldBytes >= Self.mostHeldBytes
        guard !isFull || state.heldCount < Self.fewHeld else { return nil }
        return state.spare.popLast() ?? PreparedBatch()
      }
      if let batch { return batch }
      roomChanged.wait()
    }
  }

  /// Hands over a batch; `inputBytes` of the input lead to its end.
  func hand(over batch: PreparedBatch, inputBytes: UInt64) {
    state.withLock { state in
      state.waiting.append(
        InputBatch(prepared: batch, firstOrdinal: state.records, inputBytes: inputBytes))
      state.records += UInt64(batch.recordCount)
      state.heldCount += 1
      state.heldBytes += batch.bytes.count
    }
  }

  /// Takes the batches that wait, as many as may be written together.
  ///
  /// Those of an input that is in order come one by one: together they would visit no page less.
  func takeWaiting() -> [InputBatch] {
    state.withLock { state in
      guard let first = state.waiting.first else { return [] }
      if first.prepared.isInOrder { return [state.waiting.removeFirst()] }
      var bytes = 0
      let taken = state.waiting.prefix(Self.groupCount).prefix { batch in
        bytes += batch.prepared.bytes.count
        return bytes <= Self.groupBytes
      }
      let count = max(1, taken.count)
      defer { state.waiting.removeFirst(count) }
      return Array(state.waiting.prefix(count))
    }
  }

  /// Takes batches back that are not needed any more; their memory will be changed.
  func giveBack(_ batches: inout [InputBatch]) {
    state.withLock { state in
      while let batch = batches.popLast() {
        state.heldCount -= 1
        state.heldBytes -= batch.prepared.bytes.count
        if batch.prepared.bytes.capacity <= Self.keptBytes { state.spare.append(batch.prepared) }
      }
    }
    roomChanged.signal()
  }
}
