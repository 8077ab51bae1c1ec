// SPDX-License-Identifier: Apache-2.0

import StorageEngine

/// Tasks that wait for their commands to be durable: one thread waits for all of them.
final class CommandWaiters: Sendable {
  private struct Waiter {
    let promise: CommandPromise
    let continuation: CheckedContinuation<PrevalenceError?, Never>
  }

  private struct State {
    var waiting: [Waiter] = []
    var isServed = false
  }

  private let state = LockedState(State())

  /// Waits, without holding up a thread, until `settle` has settled a command; throws what it threw.
  func wait(
    for promise: CommandPromise,
    settle: @escaping @Sendable (CommandPromise) throws(PrevalenceError) -> Void
  ) async throws(PrevalenceError) {
    let failure = await withCheckedContinuation { continuation in
      let waiter = Waiter(promise: promise, continuation: continuation)
      let mustServe = state.withLock { state in
        state.waiting.append(waiter)
        defer { state.isServed = true }
        return !state.isServed
      }
      if mustServe { BackgroundThread.start { [self] in serve(settle) } }
    }
    if let failure { throw failure }
  }

  private func serve(_ settle: (CommandPromise) throws(PrevalenceError) -> Void) {
    while let waiters = takeAll() {
      // The last one first: what it waited for is settled for all before it.
      for waiter in waiters.sorted(by: { $0.promise.commit > $1.promise.commit }) {
        do throws(PrevalenceError) {
          try settle(waiter.promise)
          waiter.continuation.resume(returning: nil)
        } catch {
          waiter.continuation.resume(returning: error)
        }
      }
    }
  }

  private func takeAll() -> [Waiter]? {
    state.withLock { state in
      guard !state.waiting.isEmpty else {
        state.isServed = false
        return nil
      }
      defer { state.waiting = [] }
      return state.waiting
    }
  }
}
