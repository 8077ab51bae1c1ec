// SPDX-License-Identifier: Apache-2.0

import NIOCore
import PeerSync
import Records
import TestSupport
import Testing

@testable import PeerSyncHTTP

/// What a server answers to requests that it does not serve, on a real socket.
@Suite struct RefusalTests {
  private static let token = "0123456789abcdef-token"

  /// A store with a few transactions.
  private func replica(_ number: UInt64 = 1) throws -> NetworkReplica {
    var random = SplitMix64(seed: TestEnvironment.seed &+ number)
    let replica = try NetworkReplica(seed: TestEnvironment.seed &+ number)
    try replica.write(3, bytes: 100, &random)
    return replica
  }

  /// Whether the server still answers.
  private func expectServing(
    _ server: RunningServer, _ location: SourceLocation = #_sourceLocation
  ) async throws {
    let answer = try await request(server.port, head("GET", "/v1/health", port: server.port))
    #expect(answer?.status == 200, sourceLocation: location)
  }

  @Test(arguments: [
    nil, "Bearer", "Bearer wrong-wrong-wrong-wrong", "Basic 0123456789abcdef-token",
    "0123456789abcdef-token", "Bearer 0123456789abcdef-token0",
  ])
  func `without the token nothing is told`(authorization: String?) async throws {
    let replica = try replica()
    let journal = try JournalStream.bytes(replica.transactions())
    try await serving(replica.store, token: Self.token) { server in
      for (method, path, body) in [
        ("GET", "/v1/hello", []), ("POST", "/v1/hello", []), ("GET", "/v1/journal", []),
        ("POST", "/v1/journal/since", []), ("POST", "/v1/journal", journal),
        ("GET", "/v1/unknown", []), ("GET", "/", []),
      ] {
        var fields = head(method, path, port: server.port, length: body.count)
        if let authorization {
          fields = fields.replacing("\r\n\r\n", with: "\r\nAuthorization: \(authorization)\r\n\r\n")
        }
        let answer = try await request(server.port, fields, body: body)
        #expect(answer?.status == 401 && answer?.kind == "unauthorized", "\(method) \(path)")
        #expect(answer?.fields["www-authenticate"] == "Bearer")
      }
      try await expectServing(server)
      let peer = try server.peer
      let other = try self.replica(2)
      let refusal = await #expect(throws: SyncError.self) {
        try await sync(
          other.store, peer, token: authorization.map { _ in "wrong-wrong-wrong-wrong" })
      }
      #expect(refusal?.code == .unauthorized)
      try await sync(other.store, peer, token: Self.token)
    }
  }

  @Test(
    arguments: [
      ("evil.example", nil), ("evil.example:80", nil), ("127.0.0.1.evil.example", nil),
      (nil, "http://evil.example"), (nil, "null"), (nil, "https://127.0.0.1"),
    ] as [(String?, String?)])
  func `a foreign Host or Origin is refused before anything else`(
    host: String?, origin: String?
  ) async throws {
    let replica = try replica()
    try await serving(replica.store) { server in
      for (method, path) in [
        ("GET", "/v1/health"), ("GET", "/v1/hello"), ("GET", "/v1/journal"),
        ("POST", "/v1/journal"), ("GET", "/v1/unknown"), ("DELETE", "/v1/hello"),
      ] {
        var fields = head(method, path, port: server.port, host: host, length: 0)
        if let origin {
          fields = fields.replacing("\r\n\r\n", with: "\r\nOrigin: \(origin)\r\n\r\n")
        }
        let answer = try await request(server.port, fields)
        #expect(answer?.status == 403 && answer?.kind == "refused", "\(method) \(path)")
      }
      try await expectServing(server)
    }
  }

  @Test(arguments: [
    ("GET", "/"), ("GET", "/v1"), ("GET", "/v1/journal/"), ("GET", "/v1/journal/since"),
    ("PUT", "/v1/journal"), ("DELETE", "/v1/journal"), ("POST", "/v1/health"),
    ("GET", "/v2/hello"), ("GET", "/v1/%68ello"), ("OPTIONS", "*"), ("HEAD", "/v1/hello"),
  ])
  func `what nobody answers is not found`(method: String, path: String) async throws {
    let replica = try replica()
    try await serving(replica.store) { server in
      let answer = try await request(
        server.port, head(method, path, port: server.port, length: 0, "Connection: close"))
      #expect(answer?.status == 404 && answer?.kind == "not-found")
      try await expectServing(server)
    }
  }

  @Test func `off loopback it does not start without token and TLS`() async throws {
    let replica = try replica()
    let token = try BearerToken(Self.token.utf8)
    let certificate = ServerCertificate(certificatePath: "none.pem", keyPath: "none.key")
    for (token, certificate, missing) in [
      (nil, nil, 2), (token, nil, 1), (nil, certificate, 1),
    ] as [(BearerToken?, ServerCertificate?, Int)] {
      for address in ["0.0.0.0:0", "[::]:0"] {
        let options = SyncServerOptions(
          listen: try ListenAddress(parsing: address), token: token, certificate: certificate)
        let server = SyncServer(store: replica.store, options: options, logger: silentLogger)
        let error = await #expect(throws: SyncServerError.self) { try await server.run() }
        guard case .insecure(_, let found)? = error else {
          Issue.record("\(String(describing: error))")
          continue
        }
        #expect(found.count == missing)
      }
    }
  }

  @Test func `an address that is taken and files that are no certificate are told`() async throws {
    let replica = try replica()
    try await withTemporaryDirectory { folder in
      try await serving(replica.store) { running in
        let taken = SyncServer(
          store: replica.store,
          options: SyncServerOptions(
            listen: try ListenAddress(parsing: "127.0.0.1:\(running.port)")),
          logger: silentLogger)
        let error = await #expect(throws: SyncServerError.self) { try await taken.run() }
        #expect(
          error?.description == "cannot listen on 127.0.0.1:\(running.port): the address is in use")
      }
      let path = "\(folder)/none.pem"
      let server = SyncServer(
        store: replica.store,
        options: SyncServerOptions(
          listen: try ListenAddress(parsing: "127.0.0.1:0"),
          certificate: ServerCertificate(certificatePath: path, keyPath: path)),
        logger: silentLogger)
      let error = await #expect(throws: SyncServerError.self) { try await server.run() }
      #expect(error?.description == "cannot use \(path): it holds no certificate in PEM form")
    }
  }

  @Test func `a head beyond the limits is refused`() async throws {
    let replica = try replica()
    try await serving(replica.store) { server in
      let long = String(repeating: "x", count: 70_000)
      let many = (0..<100).map { "X-\($0): y" }.joined(separator: "\r\n")
      for fields in [
        head("GET", "/v1/hello?\(long)", port: server.port),
        head("GET", "/v1/hello", port: server.port, "X-Long: \(long)"),
        head("GET", "/v1/hello", port: server.port, many), "no HTTP at all\r\n\r\n",
        "GET /v1/hello HTTP/1.1\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}\r\n\r\n",
      ] {
        let answer = try await request(server.port, fields)
        #expect(answer?.status != 200, "\(fields.prefix(40))")
        #expect([nil, 400, 403].contains(answer?.status), "\(fields.prefix(40))")
      }
      try await expectServing(server)
    }
  }
}
