// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import PeerSync

/// Decides from the head of a request alone whether it may go on.
///
/// Loopback needs no token, so a web page must not be able to talk to it through the browser of
/// someone on this machine. A page that has its own name resolve to 127.0.0.1 (DNS rebinding)
/// shows in `Host`, any other page in `Origin`.
struct RequestGate: Sendable {
  let isLoopback: Bool
  let token: BearerToken?

  /// `nil` when the request may go on.
  ///
  /// `needsToken` is false for what tells nothing of the store.
  func refusal(of request: HTTPRequest, needsToken: Bool) -> SyncError? {
    let host = request.authority.flatMap { try? Authority(parsing: $0) }
    guard let host else { return .refused("the request names no valid Host") }
    guard !isLoopback || host.isLoopback else {
      return .refused("the Host '\(host.text())' is not this machine")
    }
    for origin in request.headerFields[values: .origin] where !Self.isSame(origin, as: host) {
      return .refused("requests of web pages are refused (Origin)")
    }
    guard needsToken, let token else { return nil }
    let credentials = request.headerFields[values: .authorization]
    guard credentials.count == 1, token.matches(authorization: credentials[0]) else {
      return .unauthorized("the token is missing or wrong")
    }
    return nil
  }

  private static func isSame(_ origin: String, as host: Authority) -> Bool {
    for scheme in ["http://", "https://"] where origin.hasPrefix(scheme) {
      let authority = try? Authority(parsing: String(origin.dropFirst(scheme.count)))
      return authority == host
    }
    return false
  }
}
