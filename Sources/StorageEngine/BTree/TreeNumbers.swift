// SPDX-License-Identifier: Apache-2.0

/// Gives out the numbers of new trees, also to transactions that are open side by side.
///
/// A number whose transaction came to nothing is not used again while the store is open.
final class TreeNumbers: @unchecked Sendable {
  private let lock = Lock()
  private var next: UInt32

  init(next: UInt32) {
    self.next = next
  }

  /// The next number; `nil` when all are used.
  func take() -> UInt32? {
    lock.withLock {
      guard next < UInt32.max - 1 else { return nil }
      defer { next += 1 }
      return next
    }
  }

  /// Keeps a number that is spoken for from being given out.
  func reserve(_ number: UInt32) {
    lock.withLock { if number >= next, number < .max { next = number + 1 } }
  }
}
