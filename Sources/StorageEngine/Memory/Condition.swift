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

/// When a wait is over, on the clock that never jumps.
struct Deadline: Comparable {
  fileprivate let time: timespec

  /// The end of a wait of `duration` that begins now.
  init(after duration: Duration) {
    let now = Self.now
    let (seconds, attoseconds) = duration.components
    let nanoseconds = now.tv_nsec + Int(max(0, attoseconds) / 1_000_000_000)
    let whole = Int(min(max(0, seconds), 1 << 40))
    time = timespec(
      tv_sec: now.tv_sec + whole + nanoseconds / 1_000_000_000,
      tv_nsec: nanoseconds % 1_000_000_000)
  }

  private init(_ time: timespec) {
    self.time = time
  }

  /// Whether it has passed.
  var isOver: Bool { self <= Deadline(Self.now) }

  private static var now: timespec {
    var now = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &now)
    return now
  }

  static func == (left: Deadline, right: Deadline) -> Bool {
    left.time.tv_sec == right.time.tv_sec && left.time.tv_nsec == right.time.tv_nsec
  }

  static func < (left: Deadline, right: Deadline) -> Bool {
    (left.time.tv_sec, left.time.tv_nsec) < (right.time.tv_sec, right.time.tv_nsec)
  }
}
