// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A mutex on `pthread_mutex_t`.
///
/// Not `Synchronization.Mutex`, because ThreadSanitizer does not see through that one and reports
/// races where there are none.
@safe
final class Lock: @unchecked Sendable {
  private static let mostYields = 16
  /// For `Condition`.
  let mutex: UnsafeMutablePointer<pthread_mutex_t>

  init() {
    unsafe mutex = .allocate(capacity: 1)
    unsafe mutex.initialize(to: pthread_mutex_t())
    unsafe pthread_mutex_init(mutex, nil)
  }

  deinit {
    unsafe pthread_mutex_destroy(mutex)
    unsafe mutex.deallocate()
  }

  @inline(__always)
  func lock() {
    if unsafe pthread_mutex_trylock(mutex) != 0 { wait() }
  }

  /// Lets other threads run before it sleeps: most locks are held for microseconds, and to be put
  /// to sleep and woken takes longer.
  @inline(never)
  private func wait() {
    for _ in 0..<Self.mostYields {
      SystemCalls.yield()
      if unsafe pthread_mutex_trylock(mutex) == 0 { return }
    }
    unsafe pthread_mutex_lock(mutex)
  }

  @inline(__always)
  func unlock() {
    unsafe pthread_mutex_unlock(mutex)
  }

  @inline(__always)
  func withLock<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
    lock()
    defer { unlock() }
    return try body()
  }
}
