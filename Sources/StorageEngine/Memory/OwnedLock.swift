// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// A mutex that knows which thread holds it.
final class OwnedLock: Sendable {
  private let mutex = Lock()
  /// The thread that holds it; 0 when none does.
  private let holder = Atomic<UInt>(0)

  /// Whether the calling thread holds it, and would wait for itself for ever.
  var isHeldHere: Bool { holder.load(ordering: .relaxed) == Self.thisThread }

  private static var thisThread: UInt { UInt(truncatingIfNeeded: pthread_self()) }

  func lock() {
    mutex.lock()
    holder.store(Self.thisThread, ordering: .relaxed)
  }

  func unlock() {
    holder.store(0, ordering: .relaxed)
    mutex.unlock()
  }

  func withLock<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
    lock()
    defer { unlock() }
    return try body()
  }
}
