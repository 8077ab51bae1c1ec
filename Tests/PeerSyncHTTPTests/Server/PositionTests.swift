// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import PeerSync
import Records
import TestSupport
import Testing

@testable import PeerSyncHTTP

/// Asking for what a position does not include.
@Suite struct PositionTests {
  /// The first transaction of an origin that has no other.
  private static func transaction(of number: UInt64) throws -> EncodedTransaction {
    let key = RecordKey.integer(Int64(number))
    let part = CollectionPart(
      collection: "c", operations: [Operation(collection: "c", key: key, change: .delete)])
    return try EncodedTransaction(
      JournalTransaction(
        origin: Origin(replica: ReplicaID(high: number, low: 1), incarnation: 1), sequence: 1,
        timestamp: HybridTimestamp(milliseconds: NetworkReplica.now - 1000),
        dependencies: VersionVector(), previousHash: .zero, parts: [part]))
  }

  @Test func `stores with the transactions of thousands of origins sync`() async throws {
    let origins = try (1...3000).map { try Self.transaction(of: UInt64($0)) }
    let server = try NetworkReplica(seed: 1)
    let client = try NetworkReplica(seed: 2)
    for replica in [server, client] {
      _ = try replica.store.take(origins, of: NetworkReplica.storeID)
      #expect(try "\(replica.store.appliedVector())".utf8.count > 100_000)
    }
    var random = SplitMix64(seed: 1)
    try server.write(2, bytes: 10, &random)
    try client.write(3, bytes: 10, &random)
    let report = try await serving(server.store) { running in
      try await sync(client.store, running.peer)
    }
    #expect(report.pulled.transactions == 2 && report.pushed.transactions == 3)
    #expect(try client.exported() == server.exported())
  }

  @Test func `a position that cannot be read is refused`() async throws {
    let replica = try NetworkReplica(seed: 1)
    let origin = replica.store.origin
    try await serving(replica.store) { server in
      for text in [
        "x", ",", "\(origin)", "\(origin):", "\(origin):0", "\(origin):01", "\(origin):-1",
        "\(origin):1,", "\(origin):1,\(origin):2", "\(origin):1\n", "\u{0}",
        "\(origin):9999999999999999999", "since=\(origin):1",
      ] {
        let body = Array(text.utf8)
        let fields = head("POST", "/v1/journal/since", port: server.port, length: body.count)
        let answer = try await request(server.port, fields, body: body)
        #expect(answer?.status == 400 && answer?.kind == "corrupt", "\(text)")
      }
      let invalid = try await request(
        server.port, head("POST", "/v1/journal/since", port: server.port, length: 2),
        body: [0xFF, 0xFE])
      #expect(invalid?.status == 400)
    }
  }

  @Test func `a journal is told whole, or from a position on, as it would be exported`()
    async throws
  {
    var random = SplitMix64(seed: 1)
    let replica = try NetworkReplica(seed: 1)
    try replica.write(5, bytes: 100, &random)
    let transactions = try replica.transactions()
    var position = VersionVector()
    position[replica.store.origin] = 3
    let text = Array("\(position)".utf8)
    try await serving(replica.store) { server in
      let all = try await request(server.port, head("GET", "/v1/journal", port: server.port))
      #expect(all?.fields["content-type"] == "application/vnd.record-store.journal")
      #expect(try Self.decode(all?.body ?? []) == transactions.map(\.dot))
      let nothing = try await request(
        server.port, head("POST", "/v1/journal/since", port: server.port, length: 0))
      #expect(try Self.decode(nothing?.body ?? []) == transactions.map(\.dot))
      let rest = try await request(
        server.port, head("POST", "/v1/journal/since", port: server.port, length: text.count),
        body: text)
      #expect(try Self.decode(rest?.body ?? []) == transactions.dropFirst(3).map(\.dot))
    }
  }

  private static func decode(_ bytes: [UInt8]) throws -> [Dot] {
    var reader = JournalReader(name: "answer")
    var dots: [Dot] = []
    reader.feed(bytes)
    while let event = try reader.next() {
      if case .header(let header) = event { #expect(header.storeID == NetworkReplica.storeID) }
      if case .transactions(let transactions, _) = event { dots += transactions.map(\.dot) }
    }
    try reader.finish()
    return dots
  }
}
