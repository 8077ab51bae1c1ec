// SPDX-License-Identifier: Apache-2.0

/// Those who wait without a thread each, and whether the one thread that serves all of them runs,
/// which it does as long as there are any.
///
/// Guarded by a lock of its owner.
struct ServedWaiters<Waiter> {
  private(set) var waiting: [Waiter] = []
  private var isServed = false

  /// Adds one; true when a thread must begin to serve.
  ///
  /// To be begun without the lock, because the system may have no further thread.
  mutating func add(_ waiter: Waiter) -> Bool {
    waiting.append(waiter)
    defer { isServed = true }
    return !isServed
  }

  /// Takes out those that are due; `nil` when nobody waits any more, and the thread ends.
  mutating func take(where isDue: (Waiter) -> Bool) -> [Waiter]? {
    if waiting.isEmpty {
      isServed = false
      return nil
    }
    var due: [Waiter] = []
    // Asked once each: the clock goes on between two looks.
    waiting.removeAll { waiter in
      let isTaken = isDue(waiter)
      if isTaken { due.append(waiter) }
      return isTaken
    }
    return due
  }
}
