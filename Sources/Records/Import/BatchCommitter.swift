// SPDX-License-Identifier: Apache-2.0

import Dispatch
import StorageEngine
import Synchronization

/// Commits batches on a thread of its own, all that wait at once, while the caller reads the next
/// and a third thread waits until those before are durable.
///
/// What is written together is in key order, and so visits each page once. It is one transaction
/// of the engine, so it is in the store whole or not at all, and several of the journal.
final class BatchCommitter: Sendable {
  private struct State {
    var done = ImportProgress()
    /// Whether `done` has changed since it was taken.
    var isNews = false
    var failure: (any Error)?
  }

  private let store: RecordStore
  private let options: ImportOptions
  private let repeats: RepeatedKeys
  private let batches = BatchQueue()
  private let state = Mutex(State())
  /// Only used on `queue`.
  private let keys = Mutex(KnownKeys())
  private let queue = DispatchQueue(label: "record-store.import")
  private let durableQueue = DispatchQueue(label: "record-store.import.durable")
  /// Counts the commits that may become durable at the same time.
  private let commits = DispatchSemaphore(value: 0)
  private static let commitsAtOnce = 3

  init(_ store: RecordStore, _ options: ImportOptions, _ repeats: RepeatedKeys) {
    self.store = store
    self.options = options
    self.repeats = repeats
    // A semaphore must not end below the value it began with; this one begins with none.
    release(Self.commitsAtOnce)
  }

  /// Waits until a batch can be handed over, and returns an empty one.
  ///
  /// - Throws: What a commit has thrown.
  func emptyBatch() throws -> PreparedBatch {
    let batch = batches.emptyBatch()
    try checkFailure()
    return batch
  }

  /// Hands over a batch that was taken with `emptyBatch`; `bytes` of the input lead to its end.
  func submit(_ batch: PreparedBatch, bytes: UInt64) {
    batches.hand(over: batch, inputBytes: bytes)
    queue.async { self.commitWaiting() }
  }

  /// Commits what waits by now: nothing when an earlier call has taken it.
  private func commitWaiting() {
    var waiting = batches.takeWaiting()
    guard !waiting.isEmpty else { return }
    defer { batches.giveBack(&waiting) }
    do {
      do {
        try commit(&waiting)
      } catch {
        // One record may have been at fault: the batches before it shall be in the store, and
        // those behind it not. Without batches left it was the disk.
        guard waiting.count > 1 else { throw error }
        try commitSingly(&waiting)
      }
    } catch {
      // Noted before the next batch is looked at: nothing may be committed behind a hole.
      state.withLock { $0.failure = $0.failure ?? error }
    }
  }

  private func commitSingly(_ waiting: inout [InputBatch]) throws {
    while !waiting.isEmpty {
      var first = [waiting.removeFirst()]
      defer { batches.giveBack(&first) }
      try commit(&first)
    }
  }

  /// Commits batches together, unless there was a failure before.
  private func commit(_ waiting: inout [InputBatch]) throws {
    if state.withLock({ $0.failure != nil }) { return }
    // What several batches replace is free for the next ones as soon as they are durable, and what
    // they log takes memory until then: they are alone.
    let share = waiting.count == 1 ? 1 : Self.commitsAtOnce
    var reserved = 0
    do {
      let (step, commit) = try write(&waiting) {
        for _ in 0..<share { commits.wait() }
        reserved = share
        try checkFailure()
      }
      durableQueue.async {
        self.settle(commit, step)
        self.release(share)
      }
    } catch {
      release(reserved)
      throw error
    }
  }

  private func release(_ share: Int) {
    for _ in 0..<share { commits.signal() }
  }

  /// Writes batches, gives them back as soon as all they hold is handed to the engine, and commits
  /// when `reserve` returns.
  private func write(
    _ waiting: inout [InputBatch], reserve: () throws -> Void
  ) throws -> (step: ImportProgress, commit: PendingCommit) {
    try keys.withLock { keys in
      var step = ImportProgress(waiting)
      var group = BatchGroup(waiting)
      let (transactions, commit) = try store.writeSeriesWithoutWaiting { transaction in
        if group.next == 0 { keys.begin(on: transaction.base) }
        if group.hasMore {
          step.written += UInt64(
            try transaction.put(
              &group, limit: max(1, options.batchRecords), into: options.collection, &keys,
              repeats))
          return true
        }
        // Not before the last transaction has ended well: after a failure they are needed again.
        group = BatchGroup([])
        batches.giveBack(&waiting)
        try reserve()
        return false
      }
      keys.end(at: commit.lsn)
      step.transactions = UInt64(transactions)
      return (step, commit)
    }
  }

  /// Waits until a commit is durable; only then its batches count as done.
  private func settle(_ commit: PendingCommit, _ step: ImportProgress) {
    do {
      try commit.wait()
      state.withLock { state in
        state.done.add(step)
        state.isNews = true
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
    try checkFailure()
  }

  private func checkFailure() throws {
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
