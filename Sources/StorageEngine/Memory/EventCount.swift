// SPDX-License-Identifier: Apache-2.0

/// Counts events, so that threads and tasks can wait for the next one.
///
/// Who takes the count first, and looks then at what an event changes, misses none.
final class EventCount: @unchecked Sendable {
  private struct Waiter {
    /// How many events it knows of.
    let known: UInt64
    let deadline: Deadline
    let resume: @Sendable () -> Void
  }

  private let lock = Lock()
  private let advanced = Condition()
  private var events: UInt64 = 0
  private var waiters = ServedWaiters<Waiter>()

  /// How many there were.
  var count: UInt64 { lock.withLock { events } }

  /// Counts one, and wakes all who wait.
  func advance() {
    lock.withLock {
      events += 1
      advanced.broadcast()
    }
  }

  /// Waits until there were more than are known; false when there were not before the deadline.
  func wait(after known: UInt64, until deadline: Deadline) -> Bool {
    lock.withLock {
      while events == known {
        guard advanced.wait(lock, until: deadline) else { return events != known }
      }
      return true
    }
  }

  /// Waits until there were more than are known, or for no longer than the deadline; gives the
  /// thread to other tasks meanwhile.
  func waitWithoutBlocking(after known: UInt64, until deadline: Deadline) async {
    await withCheckedContinuation { continuation in
      let (isOver, mustServe) = lock.withLock {
        if events != known { return (true, false) }
        // The thread that waits for all must not wait longer than this one.
        if waiters.waiting.allSatisfy({ deadline < $0.deadline }) { advanced.broadcast() }
        let waiter = Waiter(known: known, deadline: deadline) { continuation.resume() }
        return (false, waiters.add(waiter))
      }
      if isOver { continuation.resume() }
      if mustServe { BackgroundThread.start { [self] in serve() } }
    }
  }

  private func serve() {
    lock.lock()
    while let due = waiters.take(where: { $0.known != events || $0.deadline.isOver }) {
      if due.isEmpty, let first = waiters.waiting.map(\.deadline).min() {
        _ = advanced.wait(lock, until: first)
      }
      lock.unlock()
      for waiter in due { waiter.resume() }
      lock.lock()
    }
    lock.unlock()
  }
}
