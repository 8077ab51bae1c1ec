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

  /// Gives the lock up, waits, and takes it again; false when the deadline has passed.
  ///
  /// May return for no reason: the caller looks again.
  func wait(_ lock: Lock, until deadline: Deadline) -> Bool {
    var time = deadline.time
    return unsafe pthread_cond_timedwait(condition, lock.mutex, &time) != ETIMEDOUT
  }

  /// Wakes all who wait.
  func broadcast() {
    unsafe pthread_cond_broadcast(condition)
  }
}
