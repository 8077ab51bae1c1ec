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
  /// Counts the commits that may be begun: what is logged and not written takes memory.
  private let commits = DispatchSemaphore(value: 0)
  private static let commitsAtOnce = 2

  init(_ store: RecordStore, _ options: ImportOptions, _ repeats: RepeatedKeys) {
    self.store = store
    self.options = options
    self.repeats = repeats
    // A semaphore must not end below the value it began with; this one begins with none.
    for _ in 0..<Self.commitsAtOnce { commits.signal() }
  }

  /// Waits until a batch can be handed over, and returns an empty one.
  ///
  /// - Throws: What a commit has thrown.
  func emptyBatch() throws -> PreparedBatch {
    let batch = batches.emptyBatch()
    try state.withLock { if let failure = $0.failure { throw failure } }
    return batch
  }

  /// Hands over a batch that was taken with `emptyBatch`; `bytes` of the input lead to its end.
  func submit(_ batch: PreparedBatch, bytes: UInt64) {
    batches.hand(over: batch, inputBytes: bytes)
    queue.async { self.commitWaiting() }
  }

  /// Commits what waits by now: nothing when an earlier call has taken it.
  private func commitWaiting() {
    let waiting = batches.takeWaiting()
    guard !waiting.isEmpty else { return }
    defer { batches.giveBack(waiting) }
    do {
      try commit(waiting)
    } catch {
      commitSingly(waiting, after: error)
    }
  }

  /// Commits batches one after the other of which one has failed, so that those before it are in
  /// the store and those behind it are not.
  private func commitSingly(_ batches: [InputBatch], after error: any Error) {
    do {
      if batches.count == 1 { throw error }
      for batch in batches { try commit([batch]) }
    } catch {
      // Noted before the next batch is looked at: nothing may be committed behind a hole.
      state.withLock { $0.failure = $0.failure ?? error }
    }
  }

  /// Commits batches together, unless there was a failure before.
  private func commit(_ batches: [InputBatch]) throws {
    commits.wait()
    do {
      if state.withLock({ $0.failure != nil }) {
        commits.signal()
        return
      }
      let (written, transactions, commit) = try write(batches)
      let step = ImportProgress(batches, written: written, transactions: transactions)
      durableQueue.async {
        self.settle(commit, step)
        self.commits.signal()
      }
    } catch {
      commits.signal()
      throw error
    }
  }

  private func write(
    _ batches: [InputBatch]
  ) throws -> (written: Int, transactions: Int, commit: PendingCommit) {
    try keys.withLock { keys in
      var group = BatchGroup(batches)
      var written = 0
      let (transactions, commit) = try store.writeSeriesWithoutWaiting { transaction in
        if group.next == 0 { keys.begin(on: transaction.base) }
        written += try transaction.put(
          &group, limit: max(1, options.batchRecords), into: options.collection, &keys, repeats)
        return group.hasMore
      }
      keys.end(at: commit.lsn)
      return (written, transactions, commit)
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
