// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import PeerSync
import Records
import TestSupport
import Testing

@testable import PeerSyncHTTP

/// What a client says when it cannot talk to a peer: where the peer is, why, and what may help.
@Suite struct ConnectionFailureTests {
  private static let token = "0123456789abcdef-token"

  private func failure(
    _ peer: String, authority: String? = nil, idleTimeout: Duration = .seconds(60),
    _ location: SourceLocation = #_sourceLocation
  ) async throws -> SyncError {
    let store = try NetworkReplica(seed: 1).store
    let peer = try PeerAddress(parsing: peer)
    let error = await #expect(throws: SyncError.self, sourceLocation: location) {
      try await sync(
        store, peer, token: Self.token, authority: authority, idleTimeout: idleTimeout)
    }
    let failure = try #require(error)
    // No names of types, functions or files.
    for mark in ["(", "_", "Error", ".swift", ".cc", "NIO", "errno", "::", "/"] {
      let rest = failure.message.replacing("http://", with: "").replacing("https://", with: "")
      #expect(!rest.contains(mark), "\(failure.message)", sourceLocation: location)
    }
    #expect(failure.message.utf8.count < 200, sourceLocation: location)
    return failure
  }

  @Test func `nobody listens`() async throws {
    // A port that was free a moment ago.
    let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .bind(host: "127.0.0.1", port: 0).get()
    let port = try #require(channel.localAddress?.port)
    try await channel.close()
    for scheme in ["http", "https"] {
      let error = try await failure("\(scheme)://127.0.0.1:\(port)")
      #expect(error.code == .unreachable)
      #expect(error.message == "cannot connect to 127.0.0.1:\(port): the connection was refused")
    }
  }

  @Test func `the name does not resolve`() async throws {
    let error = try await failure("nobody.invalid:7433")
    #expect(error.code == .unreachable)
    #expect(
      error.message == "cannot connect to nobody.invalid:7433: the name cannot be resolved")
  }

  @Test func `the certificate is not trusted, or is for another name`() async throws {
    try await withTemporaryDirectory { folder in
      let own = try TestCertificate(named: "DNS:localhost,IP:127.0.0.1", in: folder, "own")
      let other = try TestCertificate(named: "DNS:localhost,IP:127.0.0.1", in: folder, "other")
      let elsewhere = try TestCertificate(named: "DNS:peer.example", in: folder, "elsewhere")
      var random = SplitMix64(seed: 1)
      let replica = try NetworkReplica(seed: 2)
      try replica.write(3, bytes: 10, &random)
      try await serving(replica.store, token: Self.token, certificate: own.server) { server in
        for host in ["localhost", "127.0.0.1"] {
          for authority in [nil, other.certificatePath] {
            let error = try await failure("https://\(host):\(server.port)", authority: authority)
            #expect(error.code == .refused)
            #expect(
              error.message == "cannot connect to \(host):\(server.port): its certificate is not "
                + "trusted; give its certificate authority with --ca")
          }
          let client = try NetworkReplica(seed: 3)
          let report = try await sync(
            client.store, PeerAddress(parsing: "https://\(host):\(server.port)"),
            token: Self.token, authority: own.certificatePath)
          #expect(report.pulled.transactions == 3)
        }
      }
      try await serving(replica.store, token: Self.token, certificate: elsewhere.server) { server in
        for host in ["localhost", "127.0.0.1"] {
          let error = try await failure(
            "https://\(host):\(server.port)", authority: elsewhere.certificatePath)
          #expect(error.code == .refused)
          #expect(
            error.message == "cannot connect to \(host):\(server.port): its certificate is not one "
              + "for \(host)")
        }
      }
    }
  }

  @Test func `one speaks TLS and the other does not`() async throws {
    try await withTemporaryDirectory { folder in
      let replica = try NetworkReplica(seed: 2)
      try await serving(replica.store, token: Self.token) { server in
        let error = try await failure("https://127.0.0.1:\(server.port)")
        #expect(error.code == .refused)
        #expect(
          error.message == "cannot connect to 127.0.0.1:\(server.port): it does not speak TLS; use "
            + "http:// for a peer on this machine without a certificate")
      }
      let certificate = try TestCertificate(named: "DNS:localhost", in: folder, "own")
      try await serving(replica.store, token: Self.token, certificate: certificate.server) {
        server in
        let error = try await failure("http://127.0.0.1:\(server.port)")
        #expect([.unreachable, .corrupt].contains(error.code))
        #expect(error.message.hasSuffix("; use https:// if it speaks TLS"), "\(error.message)")
      }
    }
  }

  @Test func `the peer speaks something else, or nothing`() async throws {
    let talker = try await FakePeer { _, _ in Array("220 mail.example ESMTP\r\n".utf8) }
    let error = try await failure("http://127.0.0.1:\(talker.port)")
    #expect(error.code == .corrupt)
    #expect(
      error.message == "cannot connect to 127.0.0.1:\(talker.port): it does not speak HTTP; use "
        + "https:// if it speaks TLS")
    try await talker.close()
    let silent = try await FakePeer { _, _ in nil }
    let silence = try await failure(
      "http://127.0.0.1:\(silent.port)", idleTimeout: .milliseconds(300))
    #expect(silence.code == .timeout && silence.message == "the peer did not answer in time")
    try await silent.close()
  }

  @Test func `a file of authorities that holds none is told`() async throws {
    let store = try NetworkReplica(seed: 1).store
    let peer = try PeerAddress(parsing: "https://127.0.0.1:1")
    try await withTemporaryDirectory { folder in
      let path = "\(folder)/none.pem"
      let error = await #expect(throws: SyncError.self) {
        try await sync(store, peer, authority: path)
      }
      #expect(error?.code == .refused)
      #expect(error?.message == "\(path) holds no certificates in PEM form")
    }
  }
}
