// SPDX-License-Identifier: Apache-2.0

import Dispatch
import StorageEngine
import Synchronization

/// Commits batches on a thread of its own, one after the other, while the caller reads the next and
/// a third thread waits until the one before is durable.
///
/// Few batches are under way at once, so memory stays bounded.
final class BatchCommitter: Sendable {
  private struct State {
    /// Used batches, whose memory is used again.
    var spare: [PreparedBatch] = []
    var done = ImportProgress()
    /// Records of the batches whose commit was begun.
    var submitted: UInt64 = 0
    /// Whether `done` has changed since it was taken.
    var isNews = false
    var failure: (any Error)?
  }

  private let store: RecordStore
  private let collection: String?
  private let repeats: RepeatedKeys
  private let state = Mutex(State())
  private let queue = DispatchQueue(label: "record-store.import")
  private let durableQueue = DispatchQueue(label: "record-store.import.durable")
  /// Counts the batches that may be handed over.
  private let room = DispatchSemaphore(value: 0)
  private static let batchesAtOnce = 3

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
      let outcome = Result { try self.commit(batch) }
      // Noted before the next batch is looked at: nothing may be committed behind a hole.
      if case .failure(let error) = outcome {
        self.state.withLock { $0.failure = $0.failure ?? error }
      }
      self.durableQueue.async {
        self.settle(outcome, batch, bytes: bytes)
        self.room.signal()
      }
    }
  }

  /// Commits a batch; `nil` when there was a failure before.
  private func commit(_ batch: PreparedBatch) throws -> (written: Int, commit: PendingCommit)? {
    let (failed, first) = state.withLock { state in
      defer { state.submitted += UInt64(batch.records.entries.count) }
      return (state.failure != nil, state.submitted)
    }
    if failed { return nil }
    let (written, commit) = try store.writeWithoutWaiting { transaction in
      try transaction.put(batch, into: collection, firstOrdinal: first, repeats)
    }
    return (written, commit)
  }

  /// Waits until a batch is durable; only then it counts as done.
  private func settle(
    _ outcome: Result<(written: Int, commit: PendingCommit)?, any Error>, _ batch: PreparedBatch,
    bytes: UInt64
  ) {
    do {
      guard let (written, commit) = try outcome.get() else { return }
      try commit.wait()
      state.withLock { state in
        state.done.add(batch.records, written: written, bytes: bytes)
        state.isNews = true
        state.spare.append(batch)
      }
    } catch {
      state.withLock { $0.failure = $0.failure ?? error }
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
    waitForAll()
    try state.withLock { if let failure = $0.failure { throw failure } }
  }

  /// Waits until nothing is being committed, and returns what was.
  ///
  /// Batches that still wait are dropped: the store is not touched afterwards.
  func stop() -> ImportProgress {
    state.withLock { $0.failure = $0.failure ?? ImportStopped() }
    waitForAll()
    return state.withLock { $0.done }
  }

  private func waitForAll() {
    queue.sync {}
    durableQueue.sync {}
  }
}

/// Keeps batches that wait from being committed when the import has failed.
private struct ImportStopped: Error {}
