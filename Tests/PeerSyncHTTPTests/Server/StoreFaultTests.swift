// SPDX-License-Identifier: Apache-2.0

import PeerSync
import Records
import TestSupport
import Testing

@testable import PeerSyncHTTP

/// A server whose own disk fails while it is asked for transactions.
@Suite struct StoreFaultTests {
  /// What a peer that asks for everything gets, and what the server notes of it.
  private func pull(
    _ replica: NetworkReplica, failingAfter count: Int
  ) async throws -> (answer: RawAnswer?, bytes: [UInt8], notes: [String]) {
    try replica.failReads(after: count)
    let notes = Notes()
    let bytes = try await serving(replica.store, logger: notes.logger) { server in
      try await connected(to: server.port) { connection in
        await connection.send(
          head("GET", "/v1/journal", port: server.port, "Connection: close"))
        return await connection.rest()
      }
    }
    return (RawAnswer.parse(bytes)?.0, bytes, notes.lines.withLock { $0 })
  }

  @Test func `a disk that fails is told in the answer, or breaks it off`() async throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    let replica = try NetworkReplica(seed: 1)
    try replica.write(40, bytes: 100_000, &random)
    var answered = 0
    var brokenOff = 0
    var count = 0
    while true {
      let (answer, bytes, notes) = try await pull(replica, failingAfter: count)
      if let answer, answer.status == 200 { break }
      if let answer {
        answered += 1
        #expect(answer.status == 500 && answer.kind == "failed")
        #expect(answer.body == Array("the store failed\n".utf8))
        #expect(notes.contains { $0.hasPrefix("error: request refused: ") }, "\(notes)")
      } else {
        brokenOff += 1
        #expect(bytes.starts(with: Array("HTTP/1.1 200".utf8)))
        #expect(notes.contains { $0.hasPrefix("error: a transfer was broken off: ") }, "\(notes)")
      }
      let cause = notes.contains { $0.contains("simulated disk") }
      #expect(cause, "the cause is told at the server: \(notes)")
      count += 1 + count / 4
    }
    #expect(answered > 0 && brokenOff > 0)
    try replica.failReads(after: nil)
    try replica.check()
  }

  @Test func `what a peer's disk breaks off has applied whole transactions`() async throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    let server = try NetworkReplica(seed: 1)
    try server.write(40, bytes: 100_000, &random)
    let whole = try server.exported()
    var options = SyncOptions(direction: .pull)
    options.pullBytes = 100_000
    var partial = 0
    var count = 0
    while true {
      let client = try NetworkReplica(seed: 2)
      try server.failReads(after: count)
      let error = try await serving(server.store) { running in
        let peer = try running.peer
        do throws(SyncError) {
          try await sync(client.store, peer, options)
          return nil as SyncError?
        } catch {
          return error
        }
      }
      guard let error else { break }
      #expect([.failed, .unreachable].contains(error.code), "\(error)")
      try client.check()
      if try client.transactionCount() > 0 { partial += 1 }
      try server.failReads(after: nil)
      try await serving(server.store) { running in try await sync(client.store, running.peer) }
      #expect(try client.exported() == whole)
      count += 1 + count / 2
    }
    #expect(partial > 0)
  }
}
