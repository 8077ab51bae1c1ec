// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import PeerSync

extension SyncError {
  /// Says why a peer cannot be talked to: where it is, the reason, and what may help.
  init(_ error: any Error, connectingTo peer: PeerAddress) {
    let place = Authority(host: peer.host, port: peer.port).text()
    let failure = { (code: Code, reason: String) in
      SyncError(code, "cannot connect to \(place): \(reason)", cause: error)
    }
    switch error {
    case let error as NIOConnectionError: self = failure(.unreachable, Self.reason(of: error))
    case let error as IOError where error.isConnectFailure:
      self = failure(.unreachable, Self.words(for: error))
    case let error as HTTPClientError where error == .connectTimeout:
      self = failure(.unreachable, "it does not answer")
    case let error as HTTPClientError where error == .tlsHandshakeTimeout:
      self = failure(.timeout, "it did not finish the TLS handshake in time")
    case let error as NIOSSLError where error.isHandshakeFailure:
      self = failure(.refused, Self.reason(ofHandshake: "\(error)", peer))
    case is BoringSSLError: self = failure(.refused, Self.reason(ofHandshake: "\(error)", peer))
    case is NIOSSLExtraError:
      self = failure(.refused, "its certificate is not one for \(peer.host)")
    case let error as HTTPParserError where !error.isEnd:
      self = failure(.corrupt, "it does not speak HTTP\(Self.hint(peer))")
    default: self.init(carrier: error)
    }
  }

  /// The same for the first request of all: a peer that hangs up instead of answering it may expect
  /// another protocol.
  init(_ error: any Error, greeting peer: PeerAddress) {
    let isHangUp =
      (error as? HTTPClientError) == .remoteConnectionClosed
      || (error as? HTTPParserError)?.isEnd == true
    self.init(error, connectingTo: peer)
    guard isHangUp else { return }
    let reason = "\(message) without an answer\(Self.hint(peer))"
    self.init(code, reason, cause: error)
  }

  private static func reason(of error: NIOConnectionError) -> String {
    if let failure = error.connectionErrors.first { return words(for: failure.error) }
    return "the name cannot be resolved"
  }

  /// TLS failures come as text only, with the name of the reason in it.
  private static func reason(ofHandshake text: String, _ peer: PeerAddress) -> String {
    if text.contains("CERTIFICATE_VERIFY_FAILED") || text.contains("unableToValidate") {
      return "its certificate is not trusted; give its certificate authority with --ca"
    }
    let marks = ["WRONG_VERSION_NUMBER", "HTTP_REQUEST", "EOF during handshake"]
    guard marks.contains(where: text.contains) else { return "the TLS handshake failed" }
    return "it does not speak TLS"
      + (peer.isLoopback ? "; use http:// for a peer on this machine without a certificate" : "")
  }

  private static func hint(_ peer: PeerAddress) -> String {
    peer.isSecure ? "" : "; use https:// if it speaks TLS"
  }
}

extension IOError {
  /// Whether there was no connection yet.
  fileprivate var isConnectFailure: Bool {
    [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EADDRNOTAVAIL, EACCES].contains(errnoCode)
  }
}

extension NIOSSLError {
  /// Whether the two sides did not come to trust each other; else the connection broke later.
  fileprivate var isHandshakeFailure: Bool {
    switch self {
    case .handshakeFailed, .noCertificateToValidate, .unableToValidateCertificate: true
    default: false
    }
  }
}
