// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization

/// Commits batches on a thread of its own, one after the other, while the caller reads the next.
///
/// At most one batch is being committed and one waits, so memory stays bounded.
final class BatchCommitter: Sendable {
  private struct State {
    /// Used batches, whose memory is used again.
    var spare: [PreparedBatch] = []
    var done = ImportProgress()
    /// Whether `done` has changed since it was taken.
    var isNews = false
    var failure: (any Error)?
  }

  private let store: RecordStore
  private let collection: String?
  private let repeats: RepeatedKeys
  private let state = Mutex(State())
  private let queue = DispatchQueue(label: "record-store.import")
  /// Counts the batches that may be handed over.
  private let room = DispatchSemaphore(value: 0)
  private static let batchesAtOnce = 2

  init(_ store: RecordStore, _ collection: String?, _ repeats: RepeatedKeys) {
    self.store = store
    self.collection = collection
    self.repeats = repeats
    // A semaphore must not end below the value it began with; this one begins with none.
    for _ in 0..<Self.batchesAtOnce { room.signal() }
  }

  /// Waits until a batch can be handed over, and returns an empty one.
  ///
  /// - Throws: What a commit has thrown.
  func emptyBatch() throws -> PreparedBatch {
    room.wait()
    return try state.withLock { state in
      if let failure = state.failure {
        room.signal()
        throw failure
      }
      return state.spare.popLast() ?? PreparedBatch()
    }
  }

  /// Hands over a batch that was taken with `emptyBatch`; `bytes` of the input lead to its end.
  func submit(_ batch: PreparedBatch, bytes: UInt64) {
    queue.async {
      self.commit(batch, bytes: bytes)
      self.room.signal()
    }
  }

  private func commit(_ batch: PreparedBatch, bytes: UInt64) {
    let (failed, first) = state.withLock { ($0.failure != nil, $0.done.records) }
    if failed { return }
    do {
      let written = try store.write { transaction in
        try transaction.put(batch, into: collection, firstOrdinal: first, repeats)
      }
      state.withLock { state in
        state.done.add(batch.records, written: written, bytes: bytes)
        state.isNews = true
        state.spare.append(batch)
      }
    } catch {
      state.withLock { $0.failure = error }
    }
  }

  /// Returns how far the commits are, if that was not told yet.
  func takeProgress() -> ImportProgress? {
    state.withLock { state in
      guard state.isNews else { return nil }
      state.isNews = false
      return state.done
    }
  }

  /// Waits for all commits.
  ///
  /// - Throws: What one of them has thrown.
  func finish() throws {
    queue.sync {}
    try state.withLock { if let failure = $0.failure { throw failure } }
  }

  /// Waits until nothing is being committed, and returns what was.
  ///
  /// Batches that still wait are dropped: the store is not touched afterwards.
  func stop() -> ImportProgress {
    state.withLock { $0.failure = $0.failure ?? ImportStopped() }
    queue.sync {}
    return state.withLock { $0.done }
  }
}

/// Keeps batches that wait from being committed when the import has failed.
private struct ImportStopped: Error {}
