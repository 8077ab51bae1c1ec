// SPDX-License-Identifier: Apache-2.0

import Glibc

/// When a wait is over, on the clock that never jumps.
struct Deadline: Comparable {
  let time: timespec

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
