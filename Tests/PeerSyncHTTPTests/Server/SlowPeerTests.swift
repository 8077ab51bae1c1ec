// SPDX-License-Identifier: Apache-2.0

import NIOCore
import PeerSync
import Records
import TestSupport
import Testing

@testable import PeerSyncHTTP

/// Peers that keep a server waiting, and more of them than it serves.
///
/// How long it waits is not
/// measured: only that it does not wait for ever, and serves others afterwards.
@Suite struct SlowPeerTests {
  private func replica(_ count: Int = 2, bytes: Int = 100) throws -> NetworkReplica {
    var random = SplitMix64(seed: TestEnvironment.seed)
    let replica = try NetworkReplica(seed: TestEnvironment.seed)
    try replica.write(count, bytes: bytes, &random)
    return replica
  }

  private static var impatient: SyncServerLimits {
    var limits = SyncServerLimits()
    limits.headTimeout = .milliseconds(200)
    limits.keepAliveTimeout = .milliseconds(200)
    limits.stallTimeout = .milliseconds(200)
    return limits
  }

  private func expectServing(_ server: RunningServer) async throws {
    // Impatient servers may close before a busy machine has come to send the request.
    try await expectSoon {
      let answer = try await request(server.port, head("GET", "/v1/health", port: server.port))
      return answer?.status == 200
    }
  }

  @Test func `a head that comes byte by byte is not waited for`() async throws {
    try await serving(replica().store, limits: Self.impatient) { server in
      let text = head("GET", "/v1/health", port: server.port)
      let rest = try await connected(to: server.port) { connection in
        for byte in text.utf8.dropLast(2) {
          await connection.send([byte])
          try await Task.sleep(for: .milliseconds(10))
        }
        return await connection.rest()
      }
      #expect(rest.isEmpty)
      try await expectServing(server)
    }
  }

  @Test func `a connection on which nothing is asked is closed`() async throws {
    try await serving(replica().store, limits: Self.impatient) { server in
      let never = try await connected(to: server.port) { await $0.rest() }
      #expect(never.isEmpty)
      let once = try await connected(to: server.port) { connection in
        await connection.send(head("GET", "/v1/health", port: server.port))
        _ = await connection.answer()
        return await connection.rest()
      }
      #expect(once.isEmpty)
      try await expectServing(server)
    }
  }

  @Test(arguments: [0, 1, 100, 70_000])
  func `a body that stalls is not waited for, and its whole transactions stay`(
    count: Int
  ) async throws {
    let source = try replica(2, bytes: 64 << 10)
    let frames = try JournalStream.frames(source.transactions())
    let bytes = frames.flatMap { $0 }
    let target = try NetworkReplica(seed: 5)
    var limits = SyncServerLimits()
    limits.stallTimeout = .milliseconds(300)
    try await serving(target.store, limits: limits) { server in
      for fields in ["Content-Length: \(bytes.count)", "Transfer-Encoding: chunked"] {
        _ = try await connected(to: server.port) { connection in
          var text = head("POST", "/v1/journal", port: server.port, fields)
          if fields.hasPrefix("T") { text += "\(String(bytes.count, radix: 16))\r\n" }
          await connection.send(Array(text.utf8) + bytes[..<count])
          return await connection.rest()
        }
        let whole: UInt64 = count > frames[0].count + frames[1].count ? 1 : 0
        try await expectSoon { try target.transactionCount() == whole }
      }
      try await expectServing(server)
    }
    try target.check()
  }

  @Test func `a body that trickles in is refused`() async throws {
    // So much that a busy server cannot come to its end, nor to anything wrong with it.
    let body = try JournalStream.frames(replica(1, bytes: 64 << 10).transactions()).flatMap { $0 }
    var limits = SyncServerLimits()
    limits.stallTimeout = .seconds(1)
    limits.minimumBodyRate = 1 << 20
    try await serving(replica().store, limits: limits) { server in
      var answer = try await trickle(body, to: server)
      // What the peer still sends to a closed connection can have the system throw the answer away.
      for _ in 0..<30 where answer == nil { answer = try await trickle(body, to: server) }
      #expect(answer?.status == 408 && answer?.kind == "timeout", "\(String(describing: answer))")
      try await expectServing(server)
    }
  }

  /// Sends a body byte by byte; returns the answer, or `nil` where the connection broke before it.
  private func trickle(
    _ body: [UInt8], to server: RunningServer
  ) async throws -> RawAnswer? {
    try await connected(to: server.port) { connection in
      await connection.send(
        head("POST", "/v1/journal", port: server.port, "Transfer-Encoding: chunked"))
      connection.trickle(body, every: .milliseconds(20))
      return await connection.answer()
    }
  }

  @Test func `a peer that takes nothing of its answer is given up`() async throws {
    var limits = Self.impatient
    limits.maximumTransfers = 1
    // More than fits into the buffers on the way.
    let source = try replica(30, bytes: 1 << 20)
    try await serving(source.store, limits: limits) { server in
      try await connected(to: server.port) { connection in
        await connection.send(head("GET", "/v1/journal", port: server.port))
        _ = await connection.hasReceived(1)
        // The transfer ends although this peer still holds the connection.
        try await expectFree(server)
      }
    }
  }

  @Test func `more transfers than the server allows are told to come again`() async throws {
    var limits = SyncServerLimits()
    limits.maximumTransfers = 1
    // More than fits into the buffers on the way.
    let source = try replica(30, bytes: 1 << 20)
    let client = try NetworkReplica(seed: 5)
    try await serving(source.store, limits: limits) { server in
      try await connected(to: server.port) { connection in
        await connection.send(head("GET", "/v1/journal", port: server.port))
        #expect(await connection.hasReceived(1))
        for (method, path) in [
          ("GET", "/v1/journal"), ("POST", "/v1/journal/since"), ("POST", "/v1/journal"),
        ] {
          let answer = try await request(
            server.port, head(method, path, port: server.port, length: 0))
          #expect(answer?.status == 503 && answer?.kind == "busy")
          #expect(answer?.fields["retry-after"] == "1")
        }
        let peer = try server.peer
        let refusal = await #expect(throws: SyncError.self) {
          try await sync(client.store, peer)
        }
        #expect(refusal?.code == .busy && refusal?.retryAfter == 1)
        try await expectServing(server)
      }
      try await expectFree(server)
      try await sync(client.store, server.peer)
      #expect(try client.transactionCount() == 30)
    }
  }

  @Test func `more connections than the server allows wait for one to end`() async throws {
    var limits = SyncServerLimits()
    limits.maximumConnections = 1
    try await serving(replica().store, limits: limits) { server in
      let text = head("GET", "/v1/health", port: server.port)
      try await connected(to: server.port) { second in
        try await connected(to: server.port) { first in
          // Of the two one is served; which one the system decides.
          await first.send(text)
          await second.send(text)
        }
        #expect(await second.answer()?.status == 200)
      }
    }
  }

  /// Waits until a transfer may begin.
  private func expectFree(_ server: RunningServer) async throws {
    try await expectSoon {
      let answer = try await request(
        server.port, head("POST", "/v1/journal", port: server.port, length: 1), body: [0])
      return answer?.status == 400
    }
  }
}
