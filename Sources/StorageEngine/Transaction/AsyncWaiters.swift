// SPDX-License-Identifier: Apache-2.0

/// Tasks that wait until commits are durable, without holding up a thread each.
///
/// One thread waits for all of them, as long as there are any.
final class AsyncWaiters: @unchecked Sendable {
  private struct Waiter {
    let commit: PendingCommit
    let resume: @Sendable (EngineError?) -> Void
  }

  private let lock = Lock()
  private var waiters: [Waiter] = []
  private var isServed = false

  func add(_ commit: PendingCommit, _ resume: @escaping @Sendable (EngineError?) -> Void) {
    let mustServe = lock.withLock {
      waiters.append(Waiter(commit: commit, resume: resume))
      defer { isServed = true }
      return !isServed
    }
    if mustServe { BackgroundThread.start { self.serve() } }
  }

  private func serve() {
    while true {
      let batch = lock.withLock {
        defer { waiters = [] }
        if waiters.isEmpty { isServed = false }
        return waiters
      }
      if batch.isEmpty { return }
      for waiter in batch {
        do throws(EngineError) {
          try waiter.commit.wait()
          waiter.resume(nil)
        } catch {
          waiter.resume(error)
        }
      }
    }
  }
}

extension PendingCommit {
  /// Waits like `wait`, but gives the thread to other tasks meanwhile.
  ///
  /// - Throws: `.poisoned` when the disk failed: then the commit may be lost.
  public func waitWithoutBlocking() async throws(EngineError) {
    let failure = await withCheckedContinuation { continuation in
      database.asyncWaiters.add(self) { continuation.resume(returning: $0) }
    }
    if let failure { throw failure }
  }
}
