// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import PeerSync
import Testing

@testable import PeerSyncHTTP

@Suite struct RequestGateTests {
  private func refusal(
    host: String?, origin: String? = nil, authorization: [String] = [], isLoopback: Bool = true,
    token: String? = nil, needsToken: Bool = true
  ) throws -> SyncError.Code? {
    var request = HTTPRequest(method: .get, scheme: "http", authority: host, path: "/v1/hello")
    if let origin { request.headerFields[.origin] = origin }
    for value in authorization {
      request.headerFields.append(.init(name: .authorization, value: value))
    }
    let gate = RequestGate(
      isLoopback: isLoopback, token: try token.map { try BearerToken(Array($0.utf8)) })
    return gate.refusal(of: request, needsToken: needsToken)?.code
  }

  @Test(arguments: ["localhost", "localhost:9999", "127.0.0.1:7433", "[::1]:7433", "LocalHost:1"])
  func `loopback answers to its own names, on any port`(host: String) throws {
    #expect(try refusal(host: host) == nil)
  }

  @Test(arguments: [
    "evil.example", "evil.example:7433", "10.0.0.7", "127.0.0.1.evil.example", "", "a b",
  ])
  func `loopback refuses a name that was made to resolve to it`(host: String) throws {
    #expect(try refusal(host: host) == .refused)
  }

  @Test func `a request without Host is refused`() throws {
    #expect(try refusal(host: nil) == .refused)
    #expect(try refusal(host: nil, isLoopback: false) == .refused)
  }

  @Test(arguments: [
    "http://evil.example", "https://localhost.evil.example", "http://localhost:3000", "null", "",
    "file://", "http://127.0.0.1:7433",
  ])
  func `a page from elsewhere is refused`(origin: String) throws {
    #expect(try refusal(host: "localhost:7433", origin: origin) == .refused)
    #expect(try refusal(host: "localhost:7433", origin: origin, isLoopback: false) == .refused)
  }

  @Test func `a page of the server itself is not foreign`() throws {
    #expect(try refusal(host: "localhost:7433", origin: "http://localhost:7433") == nil)
  }

  @Test func `a token is asked for where there is one`() throws {
    let token = "0123456789abcdef"
    let right = "Bearer \(token)"
    #expect(try refusal(host: "localhost", token: token) == .unauthorized)
    #expect(
      try refusal(host: "localhost", authorization: ["Bearer x"], token: token) == .unauthorized)
    #expect(try refusal(host: "localhost", authorization: [right], token: token) == nil)
    #expect(
      try refusal(host: "localhost", authorization: [right, right], token: token) == .unauthorized)
    #expect(try refusal(host: "localhost", token: token, needsToken: false) == nil)
    #expect(
      try refusal(host: "peer.example", authorization: [right], isLoopback: false, token: token)
        == nil)
  }
}
