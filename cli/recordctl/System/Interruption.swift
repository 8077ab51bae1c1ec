// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Synchronization

/// Ctrl-C, a closed terminal or a termination request, as a value that long work looks at between
/// two steps, each of which is complete.
///
/// A second signal ends the process at once, which is as safe as a crash.
final class Interruption: Sendable {
  private static let signals = [SIGINT, SIGTERM, SIGHUP]

  /// Becomes readable with the first signal, for work that waits for input.
  let wake: Descriptor
  private let waker: Descriptor
  private let handlers = Mutex<[@Sendable () -> Void]?>([])

  /// Takes the signals over.
  ///
  /// Must be called before the process has a second thread.
  ///
  /// SIGPIPE and SIGXFSZ are ignored: the failed write says the same, and where it happened.
  static func install() -> Interruption {
    let interruption = Interruption()
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    var set = sigset_t()
    unsafe sigemptyset(&set)
    for number in signals { unsafe sigaddset(&set, number) }
    unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    let waiting = set
    Thread.detachNewThread { interruption.awaitSignals(waiting) }
    return interruption
  }

  private init() {
    var ends: [Int32] = [-1, -1]
    // Without a pipe, work that waits for input ends with the second signal.
    _ = unsafe pipe(&ends)
    wake = Descriptor(number: ends[0], path: "interruption")
    waker = Descriptor(number: ends[1], path: "interruption")
  }

  /// Whether a signal came.
  var isRaised: Bool { handlers.withLock { $0 == nil } }

  /// Throws when a signal came.
  func check() throws(Failure) {
    if isRaised { throw .interrupted }
  }

  /// Has `handler` called with the first signal; at once when it came already.
  func onRaise(_ handler: @escaping @Sendable () -> Void) {
    let isLate = handlers.withLock { handlers in
      handlers?.append(handler)
      return handlers == nil
    }
    if isLate { handler() }
  }

  private func awaitSignals(_ waiting: sigset_t) {
    var set = waiting
    var number: Int32 = 0
    while unsafe sigwait(&set, &number) == 0 {
      let first = handlers.withLock { handlers in
        defer { handlers = nil }
        return handlers
      }
      guard let first else { _exit(ExitStatus.interrupted.rawValue) }
      waker.close()
      for handler in first { handler() }
    }
  }
}
