// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// A mutex on `pthread_mutex_t` that knows which thread holds it.
///
/// Not `Synchronization.Mutex`, because ThreadSanitizer does not see through that one and reports
/// races where there are none.
@safe
final class ChangeLock: @unchecked Sendable {
  private static let mostYields = 16
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  /// The thread that holds it; 0 when none does.
  private let holder = Atomic<UInt>(0)

  init() {
    unsafe mutex = .allocate(capacity: 1)
    unsafe mutex.initialize(to: pthread_mutex_t())
    unsafe pthread_mutex_init(mutex, nil)
  }

  deinit {
    unsafe pthread_mutex_destroy(mutex)
    unsafe mutex.deallocate()
  }

  /// Whether the calling thread holds it, and would wait for itself for ever.
  @inline(__always)
  var isHeldHere: Bool { holder.load(ordering: .relaxed) == Self.thisThread }

  @inline(__always)
  private static var thisThread: UInt { UInt(truncatingIfNeeded: pthread_self()) }

  func lock() {
    if unsafe pthread_mutex_trylock(mutex) != 0 { wait() }
    holder.store(Self.thisThread, ordering: .relaxed)
  }

  /// Lets other threads run before it sleeps: it is mostly held for less than a microsecond.
  @inline(never)
  private func wait() {
    for _ in 0..<Self.mostYields {
      _ = sched_yield()
      if unsafe pthread_mutex_trylock(mutex) == 0 { return }
    }
    unsafe pthread_mutex_lock(mutex)
  }

  func unlock() {
    holder.store(0, ordering: .relaxed)
    unsafe pthread_mutex_unlock(mutex)
  }

  @inline(__always)
  func withLock<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
    lock()
    defer { unlock() }
    return try body()
  }
}
