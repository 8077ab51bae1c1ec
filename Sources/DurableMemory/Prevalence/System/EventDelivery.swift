// SPDX-License-Identifier: Apache-2.0

/// Hands events on in the order of their commands, one call at a time, once a command is durable.
final class EventDelivery: Sendable {
  private struct State {
    var groups: [(number: UInt64, events: [any Sendable])] = []
    var isDelivering = false
  }

  private let state = LockedState(State())
  private let receive: (@Sendable (UInt64, [any Sendable]) -> Void)?

  init(_ receive: (@Sendable (UInt64, [any Sendable]) -> Void)?) {
    self.receive = receive
  }

  /// Queues the events of a command; call in the order of the commands.
  func add(_ events: [any Sendable], of number: UInt64) {
    if receive == nil { return }
    state.withLock { $0.groups.append((number, events)) }
  }

  /// Delivers what belongs to commands up to a number, unless somebody is doing that: then he does
  /// this as well.
  func deliver(upTo visible: () -> UInt64) {
    guard let receive else { return }
    while let (number, events) = take(upTo: visible()) {
      receive(number, events)
      state.withLock { $0.isDelivering = false }
    }
  }

  private func take(upTo number: UInt64) -> (UInt64, [any Sendable])? {
    state.withLock { state in
      guard !state.isDelivering, let first = state.groups.first, first.number <= number else {
        return nil
      }
      state.isDelivering = true
      return state.groups.removeFirst()
    }
  }
}
