// SPDX-License-Identifier: Apache-2.0

/// Tasks that wait until a prepared transaction lets go of what it held, without a thread each.
///
/// One thread waits for all of them, as long as there are any. Guarded by the writer lock.
final class ReleaseWaiters: @unchecked Sendable {
  private struct Waiter {
    let deadline: Deadline
    /// How many releases it knows of.
    let releases: UInt64
    let resume: @Sendable () -> Void
  }

  private var waiters: [Waiter] = []
  private var isServed = false

  /// Adds one; true when a thread must begin to serve.
  fileprivate func add(
    after releases: UInt64, until deadline: Deadline, _ released: Condition,
    _ resume: @escaping @Sendable () -> Void
  ) -> Bool {
    // The thread that waits for all must not wait longer than this one.
    if isServed, waiters.allSatisfy({ deadline < $0.deadline }) { released.broadcast() }
    waiters.append(Waiter(deadline: deadline, releases: releases, resume: resume))
    defer { isServed = true }
    return !isServed
  }

  /// Waits for all; each looks again for itself, and comes back if it has to.
  fileprivate func serve(_ prepared: PreparedTransactions, _ lock: Lock) {
    lock.lock()
    while let first = waiters.map(\.deadline).min() {
      let due = takeDue(prepared.releases)
      if due.isEmpty {
        _ = prepared.released.wait(lock, until: first)
        continue
      }
      lock.unlock()
      for waiter in due { waiter.resume() }
      lock.lock()
    }
    isServed = false
    lock.unlock()
  }

  /// Takes out those who have waited long enough, or who do not know of the last release.
  private func takeDue(_ releases: UInt64) -> [Waiter] {
    var due: [Waiter] = []
    // Looked at once each: the clock goes on between two looks.
    waiters.removeAll { waiter in
      let isDue = waiter.releases != releases || waiter.deadline.isOver
      if isDue { due.append(waiter) }
      return isDue
    }
    return due
  }
}

extension Database {
  /// Waits until a prepared transaction was decided since so many had been, or for no longer than
  /// the deadline; gives the thread to other tasks meanwhile.
  func awaitRelease(after releases: UInt64, until deadline: Deadline) async {
    await withCheckedContinuation { continuation in
      writerLock.lock()
      let isOver = prepared.releases != releases
      let mustServe =
        !isOver
        && prepared.waiters.add(after: releases, until: deadline, prepared.released) {
          continuation.resume()
        }
      writerLock.unlock()
      if isOver { continuation.resume() }
      if mustServe {
        BackgroundThread.start { [self] in prepared.waiters.serve(prepared, writerLock) }
      }
    }
  }
}
