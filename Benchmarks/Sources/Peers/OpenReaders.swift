// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Counts the readers of an engine: to end one that is still read from is to crash.
final class OpenReaders: Sendable {
  private let count = Atomic<Int>(0)

  func enter() {
    count.add(1, ordering: .sequentiallyConsistent)
  }

  func leave() {
    count.subtract(1, ordering: .sequentiallyConsistent)
  }

  /// Throws where a reader is left.
  func requireNone(_ engine: String) throws {
    let left = count.load(ordering: .sequentiallyConsistent)
    guard left == 0 else { throw PeerError(engine, "close", "\(left) readers are left") }
  }
}
