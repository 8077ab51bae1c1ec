// SPDX-License-Identifier: Apache-2.0

import PeerSync
import Records
import TestSupport
import Testing

@testable import PeerSyncHTTP

/// A server that is told to stop while transactions go over the line.
@Suite struct ShutdownTests {
  @Test(arguments: [SyncOptions.Direction.push, .pull])
  func `what was acknowledged before the end is durable, and the rest follows later`(
    direction: SyncOptions.Direction
  ) async throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    let server = try NetworkReplica(seed: 1)
    let client = try NetworkReplica(seed: 2)
    let source = direction == .push ? client : server
    try source.write(60, bytes: 50_000, &random)
    var options = SyncOptions(direction: direction)
    options.pullBytes = 100_000
    options.pushBytes = 100_000
    let done = Guarded(UInt64(0))
    try await serving(server.store) { running in
      let peer = try running.peer
      do throws(SyncError) {
        try await sync(client.store, peer, options) { progress in
          guard progress.phase != .handshake else { return }
          let isFirst = done.withLock { done in
            defer { done = progress.done }
            return done == 0
          }
          if isFirst { Task { await running.stop() } }
        }
      } catch {
        #expect([.busy, .unreachable].contains(error.code), "\(error.code): \(error)")
      }
    }
    let acknowledged = done.withLock { $0 }
    #expect(acknowledged > 0)
    try server.losePower(.loseAll, seed: 1)
    try client.losePower(.loseAll, seed: 2)
    let target = direction == .push ? server : client
    #expect(try target.transactionCount() >= acknowledged)
    try await serving(server.store) { running in
      try await sync(client.store, running.peer, options)
    }
    #expect(try target.transactionCount() == 60)
    #expect(try client.exported() == server.exported())
  }

  @Test func `a transfer that would never end is ended`() async throws {
    let replica = try NetworkReplica(seed: 1)
    var limits = SyncServerLimits()
    limits.shutdownTimeout = .milliseconds(100)
    try await serving(replica.store, limits: limits) { running in
      try await connected(to: running.port) { connection in
        await connection.send(head("POST", "/v1/journal", port: running.port, length: 1000))
        await connection.send("RSJOURNL")
        let other = try await request(running.port, head("GET", "/v1/health", port: running.port))
        #expect(other?.status == 200)
        await running.stop()
        _ = await connection.rest()
      }
    }
    // No call into the store is under way any more.
    try replica.check()
  }

  /// A connection that is accepted just as the server ends has nobody who would handle it.
  @Test func `connections that come in while it ends do no harm`() async throws {
    let replica = try NetworkReplica(seed: 1)
    for round in 0..<20 {
      let clients = try await serving(replica.store) { running in
        let clients = Task {
          await withDiscardingTaskGroup { group in
            for _ in 0..<8 {
              group.addTask {
                let text = head("GET", "/v1/health", port: running.port)
                // Until nobody listens any more.
                while (try? await request(running.port, text)) != nil {}
              }
            }
          }
        }
        try await Task.sleep(for: .milliseconds(round))
        return clients
      }
      await clients.value
    }
    try replica.check()
  }
}
