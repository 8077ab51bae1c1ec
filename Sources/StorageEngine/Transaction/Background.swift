// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// Runs each job on a thread of its own.
struct ThreadScheduler: CheckpointScheduler {
  func schedule(_ job: @escaping @Sendable () -> Void) {
    BackgroundThread.start(job)
  }
}

/// Flushes once the earliest time has come that a commit asked for since the last flush.
final class FlushTimer: @unchecked Sendable {
  private let flush: @Sendable () -> Void
  private let lock = Lock()
  private let condition = Condition()
  /// Lock: when a flush is due; `nil` when none is, and no thread waits for it.
  @safe @exclusivity(unchecked) private var deadline: Deadline?
  @safe @exclusivity(unchecked) private var isCancelled = false
  /// How long after its commit the flush is that is due, in microseconds; the largest number for
  /// none.
  ///
  /// A commit that can wait as long needs no look at the time.
  private let interval = Atomic<Int64>(.max)

  init(_ flush: @escaping @Sendable () -> Void) {
    self.flush = flush
  }

  /// Flushes after `duration`, unless a flush is due earlier.
  func arm(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    let microseconds =
      min(max(0, seconds), 1 << 40) * 1_000_000 + max(0, attoseconds) / 1_000_000_000_000
    if microseconds >= interval.load(ordering: .sequentiallyConsistent) { return }
    let mustStart = lock.withLock { note(Deadline(after: duration), microseconds) }
    if mustStart { BackgroundThread.start { self.wait() } }
  }

  /// Keeps a deadline if it is the earliest; whether nobody waits for it yet.
  private func note(_ new: Deadline, _ microseconds: Int64) -> Bool {
    if isCancelled { return false }
    if let deadline, deadline <= new { return false }
    let isFirst = deadline == nil
    deadline = new
    interval.store(microseconds, ordering: .sequentiallyConsistent)
    condition.broadcast()
    return isFirst
  }

  private func wait() {
    let isDue = lock.withLock {
      while !isCancelled, let deadline, !deadline.isOver {
        _ = condition.wait(lock, until: deadline)
      }
      deadline = nil
      // Who comes from here on may be too late for this flush.
      interval.store(.max, ordering: .sequentiallyConsistent)
      return !isCancelled
    }
    if isDue { flush() }
  }

  func cancel() {
    lock.withLock {
      isCancelled = true
      condition.broadcast()
    }
  }
}

/// A detached thread.
package enum BackgroundThread {
  private final class Job {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) {
      self.body = body
    }
  }

  /// Runs `body` on a new thread, or at once where the system has none left.
  package static func start(_ body: @escaping @Sendable () -> Void) {
    let job = unsafe Unmanaged.passRetained(Job(body))
    var thread = pthread_t()
    let result = unsafe pthread_create(
      &thread, nil,
      { argument in
        guard let argument = unsafe argument else { return nil }
        unsafe Unmanaged<Job>.fromOpaque(argument).takeRetainedValue().body()
        return nil
      }, job.toOpaque())
    if result == 0 {
      pthread_detach(thread)
    } else {
      unsafe job.takeRetainedValue().body()
    }
  }
}
