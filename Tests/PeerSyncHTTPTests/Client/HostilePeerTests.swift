// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import PeerSync
import Records
import TestSupport
import Testing

@testable import PeerSyncHTTP

/// Peers that answer what no server of ours answers: each is a typed error, and the store is left
/// as it was.
@Suite struct HostilePeerTests {
  /// A store whose peer lies, the hello of that peer, and what it has for us.
  private struct Scene {
    let client: NetworkReplica
    let source: NetworkReplica
    let hello: [UInt8]
    let transactions: [EncodedTransaction]

    init() throws {
      var random = SplitMix64(seed: TestEnvironment.seed)
      client = try NetworkReplica(seed: 1)
      try client.write(2, bytes: 100, &random)
      source = try NetworkReplica(seed: 2)
      try source.write(3, bytes: 64 << 10, &random)
      transactions = try source.transactions()
      hello = try source.store.facts(hashesAt: [], clock: NetworkReplica.now).hello.encoded()
    }

    /// Syncs with a peer that answers like this, and returns what the client says of it.
    func failure(_ script: @escaping FakePeer.Script) async throws -> SyncError? {
      let peer = try await FakePeer(script)
      let address = try PeerAddress(parsing: "127.0.0.1:\(peer.port)")
      var failure: SyncError?
      do throws(SyncError) {
        try await sync(client.store, address)
      } catch {
        failure = error
      }
      try await peer.close()
      return failure
    }

    /// A good hello, and then something else.
    func failure(journal: [UInt8], push: [UInt8] = []) async throws -> SyncError? {
      let hello = FakePeer.answer(body: hello)
      return try await failure { _, path in
        switch path {
        case "/v1/hello": hello
        case "/v1/journal/since": journal
        default: push
        }
      }
    }
  }

  @Test(arguments: [
    ("200 OK", "", SyncError.Code.corrupt), ("200 OK", "hello", .corrupt),
    ("200 OK", "\u{1}\u{2}", .corrupt), ("204 No Content", "", .notFound),
    ("301 Moved Permanently", "", .notFound), ("302 Found", "elsewhere", .notFound),
    ("401 Unauthorized", "", .unauthorized), ("403 Forbidden", "", .refused),
    ("404 Not Found", "", .notFound), ("418 I'm a teapot", "", .notFound),
    ("429 Too Many Requests", "", .busy), ("500 Internal Server Error", "x", .notFound),
    ("503 Service Unavailable", "", .busy), ("999 What", "", .notFound),
  ])
  func `any answer to a hello is typed`(
    status: String, body: String, code: SyncError.Code
  ) async throws {
    let scene = try Scene()
    let answer = FakePeer.answer(
      status, ["Location: http://127.0.0.1:1/"], body: Array(body.utf8))
    #expect(try await scene.failure { _, _ in answer }?.code == code)
    #expect(try scene.client.transactionCount() == 2)
  }

  @Test(arguments: SyncError.Code.allCases)
  func `the kind of an error is the one the peer names`(code: SyncError.Code) async throws {
    let scene = try Scene()
    let answer = FakePeer.answer(
      "409 Conflict", ["Record-Store-Error: \(code.rawValue)", "Retry-After: 7"],
      body: Array("because\u{1B}[2J\u{202E}\n".utf8))
    let failure = try await scene.failure { _, _ in answer }
    #expect(failure?.code == code && failure?.message == "the peer says: because[2J")
    #expect(failure?.retryAfter == 7)
  }

  @Test func `an answer that is no HTTP, too long, or cut is typed`() async throws {
    let scene = try Scene()
    let hello = scene.hello
    let oversized = FakePeer.answer(body: [UInt8](repeating: 0x80, count: 3 << 20))
    let endless = Array("HTTP/1.1 200 OK\r\n".utf8) + [UInt8](repeating: 0x61, count: 1 << 20)
    for (index, bytes) in [
      [], Array("\r\n\r\n".utf8), Array("HTTP/1.1".utf8), [UInt8](repeating: 0, count: 1000),
      oversized, endless, Array(FakePeer.answer(body: hello).dropLast(1)),
      Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".utf8),
      Array("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello".utf8),
      Array("HTTP/1.1 100 Continue\r\n\r\n".utf8),
      FakePeer.answer("500 Oh", ["Record-Store-Error: made-up"], body: [0xFF, 0xFE]),
    ].enumerated() {
      let failure = try await scene.failure { _, _ in bytes }
      let code = try #require(failure?.code, "\(index)")
      #expect([.corrupt, .unreachable, .failed].contains(code), "\(index): \(code)")
      #expect(try scene.client.transactionCount() == 2)
    }
    try scene.client.check()
  }

  @Test func `a journal that is none, of others, or out of its order is refused`() async throws {
    let scene = try Scene()
    let whole = try JournalStream.bytes(scene.transactions)
    let other = StoreID(high: 9, low: 9)
    var flipped = whole
    flipped[whole.count / 8] ^= 4
    let cases: [([UInt8], SyncError.Code)] = [
      (FakePeer.answer(), .corrupt), (FakePeer.answer(body: Array("journal".utf8)), .corrupt),
      (FakePeer.answer(body: flipped), .corrupt),
      // A peer that has nothing of what it said it has is not found out before the push.
      (FakePeer.answer(body: try JournalStream.bytes([])), .notFound),
      (
        FakePeer.answer(body: try JournalStream.bytes(scene.transactions, storeID: other)),
        .storeMismatch
      ),
      (
        FakePeer.answer(body: try JournalStream.bytes(Array(scene.transactions.dropFirst()))),
        .corrupt
      ),
      (
        FakePeer.answer(body: try JournalStream.bytes(scene.transactions.reversed())), .corrupt
      ),
      (FakePeer.answer("500 Oh"), .notFound), ([], .unreachable),
      (Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".utf8), .corrupt),
    ]
    for (index, (answer, code)) in cases.enumerated() {
      let failure = try await scene.failure(journal: answer, push: FakePeer.answer("500 Oh"))
      #expect(failure?.code == code, "\(index): \(failure?.message ?? "")")
      #expect(try scene.client.transactionCount() == 2, "\(index)")
    }
    try scene.client.check()
  }

  @Test func `of a journal that breaks off the whole transactions are kept`() async throws {
    let frames = try JournalStream.frames(Scene().transactions)
    let whole = frames.flatMap { $0 }
    for count in 1...frames.count {
      let length = frames.prefix(count).reduce(0) { $0 + $1.count } - 1
      let bytes = Array(whole.prefix(length))
      let cut = FakePeer.answer(body: whole).dropLast(whole.count - length)
      let whole = UInt64(2 + max(0, count - 2))
      for (answer, isCut) in [(FakePeer.answer(body: bytes), false), (Array(cut), true)] {
        let scene = try Scene()
        let failure = try await scene.failure(journal: answer)
        #expect([.corrupt, .unreachable].contains(failure?.code), "\(count)")
        // Of a connection that breaks the HTTP client may drop what we have not asked for yet.
        let found = try scene.client.transactionCount()
        #expect(isCut ? (2...whole).contains(found) : found == whole, "\(count)")
        try scene.client.check()
      }
    }
  }

  @Test func `an acknowledgement that is none, or of less than was sent, is refused`() async throws
  {
    let scene = try Scene()
    let journal = FakePeer.answer(body: try JournalStream.bytes(scene.transactions))
    let vector = VersionVector()
    let short = try Acknowledgement(applied: vector, received: vector, held: 0).encoded()
    for (answer, code) in [
      (FakePeer.answer(), SyncError.Code.corrupt), (FakePeer.answer(body: [0x83]), .corrupt),
      (FakePeer.answer(body: scene.hello), .corrupt), (FakePeer.answer(body: short), .failed),
      (FakePeer.answer(body: [UInt8](repeating: 0, count: 3 << 20)), .corrupt), ([], .unreachable),
      (FakePeer.answer("413 Content Too Large", ["Record-Store-Error: too-large"]), .tooLarge),
    ] {
      let failure = try await scene.failure(journal: journal, push: answer)
      #expect(failure?.code == code, "\(String(describing: failure?.cause))")
    }
    // What was pulled stays.
    #expect(try scene.client.transactionCount() == 5)
    try scene.client.check()
  }
}
