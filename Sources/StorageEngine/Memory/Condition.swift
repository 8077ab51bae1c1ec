// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What threads wait for that hold a `Lock`.
@safe
final class Condition: @unchecked Sendable {
  private let condition: UnsafeMutablePointer<pthread_cond_t>

  init() {
    unsafe condition = .allocate(capacity: 1)
    unsafe condition.initialize(to: pthread_cond_t())
    var attributes = pthread_condattr_t()
    unsafe pthread_condattr_init(&attributes)
    // Not the time of day, which may jump.
    unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    unsafe pthread_cond_init(condition, &attributes)
    unsafe pthread_condattr_destroy(&attributes)
  }

  deinit {
    unsafe pthread_cond_destroy(condition)
    unsafe condition.deallocate()
  }

  /// When a wait of `duration` that begins now is over, on the clock that never jumps.
  static func deadline(after duration: Duration) -> timespec {
    var now = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &now)
    let (seconds, attoseconds) = duration.components
    let nanoseconds = now.tv_nsec + Int(max(0, attoseconds) / 1_000_000_000)
    let whole = Int(min(max(0, seconds), 1 << 40))
    return timespec(
      tv_sec: now.tv_sec + whole + nanoseconds / 1_000_000_000,
      tv_nsec: nanoseconds % 1_000_000_000)
  }

  /// Gives the lock up, waits, and takes it again; false when the deadline has passed.
  ///
  /// May return for no reason: the caller looks again.
  func wait(_ lock: Lock, until deadline: timespec) -> Bool {
    var deadline = deadline
    return unsafe pthread_cond_timedwait(condition, lock.mutex, &deadline) != ETIMEDOUT
  }

  /// Wakes all who wait.
  func broadcast() {
    unsafe pthread_cond_broadcast(condition)
  }
}
