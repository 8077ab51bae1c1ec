// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// The connections of a server, so that all can be closed when it has to end.
///
/// Cancelling the server instead would drop connections that were accepted and that nobody handles
/// yet, and NIO traps on those.
final class OpenConnections: Sendable {
  private struct State {
    var channels: [ObjectIdentifier: any Channel] = [:]
    var isClosed = false
  }

  private let state = Mutex(State())

  /// Notes a connection; too late for it, it is closed.
  func add(_ channel: any Channel) {
    let isClosed = state.withLock { state in
      if !state.isClosed { state.channels[ObjectIdentifier(channel)] = channel }
      return state.isClosed
    }
    if isClosed { channel.close(promise: nil) }
  }

  /// Forgets a connection.
  func remove(_ channel: any Channel) {
    state.withLock { $0.channels[ObjectIdentifier(channel)] = nil }
  }

  /// Closes all there are and all that are to come.
  func closeAll() {
    let channels = state.withLock { state in
      state.isClosed = true
      return Array(state.channels.values)
    }
    for channel in channels { channel.close(promise: nil) }
  }
}
