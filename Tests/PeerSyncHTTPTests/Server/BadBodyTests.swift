// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import PeerSync
import Records
import TestSupport
import Testing

@testable import PeerSyncHTTP

/// Bodies that are no journal, or not a whole one: a server applies what is verified and no more,
/// says what is wrong, and goes on.
@Suite struct BadBodyTests {
  /// Three transactions of a store, in frames of one each.
  private struct Source {
    let replica: NetworkReplica
    let transactions: [EncodedTransaction]
    let frames: [[UInt8]]

    init(storeID: StoreID = NetworkReplica.storeID) throws {
      var random = SplitMix64(seed: TestEnvironment.seed)
      replica = try NetworkReplica(seed: TestEnvironment.seed, storeID: storeID)
      try replica.write(3, bytes: 64 << 10, &random)
      transactions = try replica.transactions()
      frames = try JournalStream.frames(transactions, storeID: storeID)
      // The header, three batches, the totals.
      try #require(frames.count == 5)
    }

    var bytes: [UInt8] { frames.flatMap { $0 } }

    /// How many transactions the first bytes hold whole.
    func transactions(in count: Int) -> Int {
      var end = 0
      var whole = -1
      for frame in frames {
        end += frame.count
        if end > count { break }
        whole += 1
      }
      return min(max(0, whole), 3)
    }
  }

  private func target() throws -> NetworkReplica {
    try NetworkReplica(seed: TestEnvironment.seed &+ 99, storeID: nil)
  }

  private func post(_ server: RunningServer, _ body: [UInt8]) async throws -> RawAnswer? {
    try await request(
      server.port, head("POST", "/v1/journal", port: server.port, length: body.count), body: body)
  }

  @Test func `a journal cut anywhere is refused, and its whole transactions are applied`()
    async throws
  {
    let source = try Source()
    var ends: [Int] = [0]
    for frame in source.frames.dropLast() {
      let start = ends[ends.count - 1]
      ends += [start + 1, start + 63, start + 64, start + frame.count / 2, start + frame.count - 1]
      ends.append(start + frame.count)
    }
    ends.append(source.bytes.count - 1)
    let target = try target()
    let own = target.store.storeID
    try await serving(target.store) { server in
      for end in ends {
        let answer = try await post(server, Array(source.bytes[..<end]))
        #expect(answer?.status == 400 && answer?.kind == "corrupt", "\(end) bytes")
        #expect(try target.transactionCount() == UInt64(source.transactions(in: end)), "\(end)")
        let isStranger = source.transactions(in: end) == 0
        #expect(target.store.storeID == (isStranger ? own : NetworkReplica.storeID), "\(end)")
      }
      let answer = try await post(server, source.bytes)
      #expect(answer?.status == 200)
      let acknowledgement = try Acknowledgement(decoding: answer?.body ?? [])
      #expect(try acknowledgement.applied == source.replica.store.appliedVector())
    }
    try target.check()
    #expect(try target.exported() == source.replica.exported())
  }

  @Test func `a wrong bit anywhere is refused, and what comes before it is applied`() async throws {
    let source = try Source()
    var random = SplitMix64(seed: TestEnvironment.seed)
    var places: [Int] = []
    var start = 0
    for frame in source.frames {
      places += [start, start + 9, start + 60, start + 64, start + frame.count - 1]
      places.append(start + random.below(frame.count))
      start += frame.count
    }
    for place in places {
      let target = try target()
      var bytes = source.bytes
      bytes[place] ^= 1 << random.below(8)
      try await serving(target.store) { server in
        let answer = try await post(server, bytes)
        #expect(answer?.status == 400, "byte \(place)")
        #expect(["corrupt", "incompatible"].contains(answer?.kind), "byte \(place)")
      }
      #expect(try target.transactionCount() == UInt64(source.transactions(in: place)))
    }
  }

  @Test func `what is no journal is refused`() async throws {
    let target = try target()
    let own = target.store.storeID
    var random = SplitMix64(seed: TestEnvironment.seed)
    let source = try Source()
    let bodies = [
      [], [0], Array("{}".utf8), Array("RSJOURNL".utf8), random.bytes(100), random.bytes(100_000),
      [UInt8](repeating: 0, count: 4096), source.bytes + [0], source.bytes + source.bytes,
      try target.store.facts(hashesAt: [], clock: 0).hello.encoded(),
      // Frames out of their order.
      source.frames[1] + source.frames[0], source.frames[0] + source.frames[2],
      source.frames[0] + source.frames[0],
    ]
    try await serving(target.store) { server in
      for (index, body) in bodies.enumerated() where ![7, 8].contains(index) {
        let answer = try await post(server, body)
        #expect(answer?.status == 400 && answer?.kind == "corrupt", "\(index)")
        #expect(target.store.storeID == own, "\(index)")
        #expect(try target.transactionCount() == 0, "\(index)")
      }
      // Whole journals with more behind them: the transactions count, the request does not.
      for index in [7, 8] {
        let answer = try await post(server, bodies[index])
        #expect(answer?.status == 400 && answer?.kind == "corrupt", "\(index)")
        #expect(try target.transactionCount() == 3)
      }
    }
    try target.check()
  }

  @Test func `a journal of another data set, with a gap, or of a copy is refused`() async throws {
    let source = try Source()
    let other = try Source(storeID: StoreID(high: 9, low: 9))
    let target = try NetworkReplica(seed: TestEnvironment.seed &+ 99)
    var random = SplitMix64(seed: 1)
    try target.write(1, bytes: 10, &random)
    let since = VersionVector()
    let gap = try JournalStream.bytes(Array(source.transactions.dropFirst()))
    try await serving(target.store) { server in
      let foreign = try await post(server, other.bytes)
      #expect(foreign?.status == 409 && foreign?.kind == "store-mismatch")
      let empty = try await post(
        server, JournalStream.bytes([], storeID: StoreID(high: 9, low: 9), since: since))
      #expect(empty?.status == 409 && empty?.kind == "store-mismatch")
      let missing = try await post(server, gap)
      #expect(missing?.status == 400 && missing?.kind == "corrupt")
      #expect(try target.transactionCount() == 1)
      // The same name with another history.
      let copy = try NetworkReplica(seed: TestEnvironment.seed)
      try copy.write(3, bytes: 20, &random)
      #expect(try await post(server, source.bytes)?.status == 200)
      let fork = try await post(server, JournalStream.bytes(copy.transactions()))
      #expect(fork?.status == 409 && fork?.kind == "fork")
      #expect(try target.transactionCount() == 4)
    }
    try target.check()
  }

  /// Both streams have said of which data set they are before either brings a transaction.
  @Test func `of two streams of different data sets at once one is refused`() async throws {
    let sources = [try Source(), try Source(storeID: StoreID(high: 9, low: 9))]
    for winner in 0..<2 {
      let target = try target()
      try await serving(target.store) { server in
        try await connected(to: server.port) { first in
          try await connected(to: server.port) { second in
            let heads = sources.map {
              head("POST", "/v1/journal", port: server.port, length: $0.bytes.count)
            }
            let (one, two) = (sources[winner], sources[1 - winner])
            await first.send(Array(heads[winner].utf8) + one.frames[0])
            await second.send(Array(heads[1 - winner].utf8) + two.frames[0])
            await first.send(one.frames.dropFirst().flatMap { $0 })
            let accepted = await first.answer()
            #expect(accepted?.status == 200)
            await second.send(two.frames.dropFirst().flatMap { $0 })
            let refused = await second.answer()
            #expect(refused?.status == 409 && refused?.kind == "store-mismatch")
            #expect(
              target.store.storeID == [NetworkReplica.storeID, StoreID(high: 9, low: 9)][winner])
            let applied = try target.store.appliedVector()
            let expected = try one.replica.store.appliedVector()
            #expect(applied == expected)
          }
        }
      }
      try target.check()
    }
  }

  @Test func `bodies above the limit are refused`() async throws {
    var limits = SyncServerLimits()
    limits.maximumBodyBytes = 100_000
    let source = try Source()
    let target = try target()
    try await serving(target.store, limits: limits) { server in
      let said = try await post(server, source.bytes)
      #expect(said?.status == 413 && said?.kind == "too-large")
      #expect(try target.transactionCount() == 0)
      // Not said in the head: found when it is there.
      let chunked = head("POST", "/v1/journal", port: server.port, "Transfer-Encoding: chunked")
      let found = try await connected(to: server.port) { connection in
        await connection.send(chunked)
        for frame in source.frames { await connection.send(chunk(frame)) }
        return await connection.answer()
      }
      #expect(found?.status == 413 && found?.kind == "too-large")
      for path in ["/v1/hello", "/v1/journal/since"] {
        let body = [UInt8](repeating: 0x30, count: 3 << 20)
        let answer = try await request(
          server.port, head("POST", path, port: server.port, length: body.count), body: body)
        #expect(answer?.status == 413 && answer?.kind == "too-large", "\(path)")
      }
    }
    try target.check()
  }

  @Test func `a transaction beyond the memory for fragments is refused`() async throws {
    var limits = SyncServerLimits()
    limits.stagingBytes = 2 << 20
    var random = SplitMix64(seed: 3)
    let source = try NetworkReplica(seed: 1)
    try source.write(1, bytes: 3 << 20, &random)
    let target = try target()
    try await serving(target.store, limits: limits) { server in
      let answer = try await post(server, JournalStream.bytes(source.transactions()))
      #expect(answer?.status == 413 && answer?.kind == "too-large")
      #expect(try target.transactionCount() == 0)
      #expect(try await post(server, Source().bytes)?.status == 200)
    }
  }

  @Test func `a length that is a lie and chunks that are none end the request`() async throws {
    let source = try Source()
    var limits = SyncServerLimits()
    limits.stallTimeout = .milliseconds(300)
    let target = try target()
    try await serving(target.store, limits: limits) { server in
      // Longer than what comes, then nothing: the connection is closed in the end.
      let longer = head(
        "POST", "/v1/journal", port: server.port, length: source.bytes.count + 1000)
      let answer = try await request(server.port, longer, body: source.bytes)
      #expect(answer?.status != 200)
      // Shorter: what follows is no request.
      let shorter = head("POST", "/v1/journal", port: server.port, length: 100)
      let rest = try await connected(to: server.port) { connection in
        await connection.send(Array(shorter.utf8) + source.bytes)
        return await connection.rest()
      }
      let parsed = try #require(RawAnswer.parse(rest)).0
      #expect(parsed.status == 400 && parsed.kind == "corrupt")
      for fields in [
        "Content-Length: -1", "Content-Length: x", "Content-Length: 99999999999999999999999",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: gzip", "Transfer-Encoding: chunked\r\nX: y\r\n\r\nzz",
        "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\nx",
      ] {
        let request = head("POST", "/v1/journal", port: server.port, fields)
        let answer = try await PeerSyncHTTPTests.request(server.port, request + "12345")
        #expect(answer?.status != 200, "\(fields)")
      }
      #expect(try target.transactionCount() <= 3)
      #expect(try await post(server, source.bytes)?.status == 200)
    }
    try target.check()
  }

  @Test func `a hello that is none is refused`() async throws {
    let target = try target()
    try await serving(target.store) { server in
      for body in [[], [0x80], Array("hello".utf8), [UInt8](repeating: 0x88, count: 1000)] {
        let answer = try await request(
          server.port, head("POST", "/v1/hello", port: server.port, length: body.count), body: body)
        #expect(answer?.status == 400 && answer?.kind == "corrupt")
      }
    }
  }

  private func chunk(_ bytes: [UInt8]) -> [UInt8] {
    Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + [13, 10]
  }
}
