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
  private var waiters = ServedWaiters<Waiter>()

  func add(_ commit: PendingCommit, _ resume: @escaping @Sendable (EngineError?) -> Void) {
    let mustServe = lock.withLock { waiters.add(Waiter(commit: commit, resume: resume)) }
    if mustServe { BackgroundThread.start { self.serve() } }
  }

  private func serve() {
    while let batch = lock.withLock({ waiters.take { _ in true } }) {
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
