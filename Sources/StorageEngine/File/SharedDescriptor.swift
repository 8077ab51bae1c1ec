// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A file descriptor used by many threads, closed when the last of them is done with it.
///
/// Closing at once would free the number while another thread is about to use it, and the system
/// gives freed numbers to the next file that anyone opens.
final class SharedDescriptor: Sendable {
  /// Set in `uses` once closing was asked for; the other bits count the calls under way.
  private static let closing: UInt64 = 1 << 63

  private let uses = Atomic<UInt64>(0)
  private let descriptor: Atomic<Int32>

  init(_ descriptor: Int32) {
    self.descriptor = Atomic(descriptor)
  }

  /// Announces a use and returns the descriptor, or `nil` after `close()`.
  ///
  /// Each success must be followed by `leave()`.
  func enter() -> Int32? {
    let before = uses.wrappingAdd(1, ordering: .acquiringAndReleasing).oldValue
    guard before & Self.closing == 0 else {
      leave()
      return nil
    }
    return descriptor.load(ordering: .relaxed)
  }

  /// Ends a use.
  func leave() {
    let after = uses.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue
    if after == Self.closing { release() }
  }

  /// Ends the use by this process as soon as the calls under way have returned.
  func close() {
    let before = uses.bitwiseOr(Self.closing, ordering: .acquiringAndReleasing).oldValue
    if before & ~Self.closing == 0 { release() }
  }

  /// Closes the descriptor, once whoever comes first.
  private func release() {
    let number = descriptor.exchange(-1, ordering: .acquiringAndReleasing)
    if number >= 0 { SystemCalls.unlockAndClose(number) }
  }
}
