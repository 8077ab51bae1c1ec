// SPDX-License-Identifier: Apache-2.0

import PeerSync
import Synchronization

/// Counts the transfers under way, and says when no further one may begin.
final class TransferSlots: Sendable {
  private struct State {
    var taken = 0
    var isClosed = false
  }

  /// One transfer.
  ///
  /// Gives its slot back when nobody refers to it any more.
  final class Slot: Sendable {
    private let slots: TransferSlots

    fileprivate init(_ slots: TransferSlots) {
      self.slots = slots
    }

    /// Whether the server is stopping: to be asked between frames.
    var isEnding: Bool { slots.isClosed }

    deinit {
      slots.state.withLock { $0.taken -= 1 }
    }
  }

  /// What a transfer under way is told then.
  static var stopping: SyncError { .busy("the server is stopping", retryAfter: 5) }

  private let limit: Int
  private let state = Mutex(State())

  init(limit: Int) {
    self.limit = limit
  }

  /// Whether the server is stopping.
  var isClosed: Bool { state.withLock { $0.isClosed } }

  /// Begins a transfer.
  func take() throws(SyncError) -> Slot {
    let refusal: SyncError? = state.withLock { state in
      if state.isClosed { return Self.stopping }
      guard state.taken < limit else {
        return .busy("\(limit) transfers are under way already", retryAfter: 1)
      }
      state.taken += 1
      return nil
    }
    if let refusal { throw refusal }
    return Slot(self)
  }

  /// Lets no further transfer begin, and those under way end at their next frame.
  func close() {
    state.withLock { $0.isClosed = true }
  }
}
