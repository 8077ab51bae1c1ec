// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import PeerSyncHTTP

@Suite struct BearerTokenTests {
  @Test func `white space around a token is dropped`() throws {
    let token = try BearerToken(Array(" \t0123456789abcdef\r\n".utf8))
    #expect(token.authorization == "Bearer 0123456789abcdef")
  }

  @Test(arguments: ["", "short", "0123456789abcde", "0123456789 abcdef", "0123456789äbcdef"])
  func `what cannot be a token is refused`(text: String) {
    #expect(throws: BearerTokenError.self) { try BearerToken(Array(text.utf8)) }
  }

  @Test func `a token of too many bytes is refused`() {
    #expect(throws: BearerTokenError.length(513)) {
      try BearerToken(Array(repeating: UInt8(ascii: "x"), count: 513))
    }
  }

  @Test(arguments: [
    ("Bearer 0123456789abcdef", true), ("bearer 0123456789abcdef", true),
    ("BEARER 0123456789abcdef", true), ("Bearer 0123456789abcdeg", false),
    ("Bearer x123456789abcdef", false), ("Bearer 0123456789abcde", false),
    ("Bearer 0123456789abcdef0", false), ("Bearer 0123456789abcdef0123456789abcdef", false),
    ("Bearer ", false), ("Bearer", false), ("", false), ("Basic 0123456789abcdef", false),
    ("0123456789abcdef", false),
  ])
  func `only the very token matches`(header: String, matches: Bool) throws {
    let token = try BearerToken(Array("0123456789abcdef".utf8))
    #expect(token.matches(authorization: header) == matches)
  }

  @Test func `a token does not show itself`() throws {
    let token = try BearerToken(Array("0123456789abcdef".utf8))
    #expect(!"\(token)".contains("0123"))
  }
}
