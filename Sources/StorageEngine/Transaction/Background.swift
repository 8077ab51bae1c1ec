// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// Runs each job on a thread of its own.
struct ThreadScheduler: CheckpointScheduler {
  func schedule(_ job: @escaping @Sendable () -> Void) {
    BackgroundThread.start(job)
  }
}

/// Flushes once a given time after the first commit that asked for it.
final class FlushTimer: Sendable {
  private let flush: @Sendable () -> Void
  private let isArmed = Atomic<Bool>(false)
  private let isCancelled = Atomic<Bool>(false)

  init(_ flush: @escaping @Sendable () -> Void) {
    self.flush = flush
  }

  /// Flushes after `duration`, unless a flush is due already.
  func arm(_ duration: Duration) {
    guard !isArmed.exchange(true, ordering: .acquiringAndReleasing) else { return }
    let (seconds, attoseconds) = duration.components
    let microseconds =
      min(max(0, seconds), 1 << 40) * 1_000_000 + max(0, attoseconds) / 1_000_000_000_000
    BackgroundThread.start { [self] in
      var remaining = microseconds
      while remaining > 0 && !isCancelled.load(ordering: .acquiring) {
        let step = min(remaining, 10_000)
        usleep(UInt32(step))
        remaining -= step
      }
      isArmed.store(false, ordering: .releasing)
      if !isCancelled.load(ordering: .acquiring) { flush() }
    }
  }

  func cancel() {
    isCancelled.store(true, ordering: .releasing)
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
