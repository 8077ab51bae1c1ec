// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import PeerSync

extension SyncError {
  /// Says in our words what the network threw.
  init(carrier error: any Error) {
    switch error {
    case let error as SyncError: self = error
    case let error as HTTPClientError: self.init(error)
    case let error as NIOSSLError: self = .tls("\(error)")
    case let error as BoringSSLError: self = .tls("\(error)")
    case is NIOSSLExtraError: self = .tls("the certificate is not one for this host")
    case is NIOTooManyBytesError: self = .corrupt("the peer sent more than it may")
    case is HTTPParserError: self = .corrupt("the peer does not speak HTTP")
    case is CancellationError: self = SyncError(.unreachable, "cancelled")
    case let error as NIOConnectionError: self = .unreachable(Self.reason(of: error))
    case let error as IOError: self = .unreachable("the connection broke: \(error)")
    default: self = .unreachable("the connection broke: \(error)")
    }
  }

  private init(_ error: HTTPClientError) {
    switch error {
    case .connectTimeout: self = .unreachable("the peer does not answer")
    case .readTimeout, .writeTimeout, .deadlineExceeded, .getConnectionFromPoolTimeout:
      self = .timeout("the peer did not answer in time")
    case .tlsHandshakeTimeout: self = .timeout("the peer did not finish the TLS handshake")
    case .remoteConnectionClosed: self = .unreachable("the peer closed the connection")
    default: self = .unreachable("the connection broke: \(error)")
    }
  }

  private static func tls(_ reason: String) -> SyncError {
    .refused("the peer could not prove who it is: \(reason)")
  }

  private static func reason(of error: NIOConnectionError) -> String {
    if let failure = error.connectionErrors.first { return "\(failure.error)" }
    return "\(error.host) cannot be resolved"
  }
}
