// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Glibc
import NIOCore
import NIOHTTP1
import PeerSync

extension SyncError {
  /// Says in our words what the network threw.
  init(carrier error: any Error) {
    switch error {
    case let error as SyncError: self = error
    case let error as HTTPClientError: self.init(error)
    case is NIOTooManyBytesError:
      self.init(.corrupt, "the peer sent more than it may", cause: error)
    case let error as HTTPParserError:
      self =
        error.isEnd
        ? SyncError(.unreachable, Self.hungUp, cause: error)
        : SyncError(.corrupt, "the peer does not speak HTTP", cause: error)
    case is CancellationError: self = .unreachable("cancelled")
    default:
      self.init(.unreachable, "the connection broke: \(Self.words(for: error))", cause: error)
    }
  }

  private init(_ error: HTTPClientError) {
    switch error {
    case .readTimeout, .writeTimeout, .deadlineExceeded, .getConnectionFromPoolTimeout:
      self.init(.timeout, "the peer did not answer in time", cause: error)
    case .remoteConnectionClosed:
      self.init(.unreachable, Self.hungUp, cause: error)
    case .cancelled: self = .unreachable("cancelled")
    default:
      let reason = error.shortDescription
      self.init(.unreachable, "the connection broke: \(reason)", cause: error)
    }
  }

  private static var hungUp: String { "the peer closed the connection" }

  /// The reason alone: what libraries say of their errors names their functions and files.
  static func words(for error: any Error) -> String {
    guard let error = error as? IOError else { return "it was closed in the middle" }
    return switch error.errnoCode {
    case ECONNREFUSED: "the connection was refused"
    case ECONNRESET: "it was reset by the peer"
    case EPIPE, ENOTCONN: "it was closed by the peer"
    case ETIMEDOUT: "the peer does not answer"
    case EHOSTUNREACH, ENETUNREACH, ENETDOWN, EHOSTDOWN: "there is no route to the host"
    case EADDRINUSE: "the address is in use"
    case EADDRNOTAVAIL: "the address is not one of this machine"
    case EACCES, EPERM: "it is not permitted"
    case EMFILE, ENFILE: "too many files are open"
    default: "system error \(error.errnoCode)"
    }
  }
}

extension HTTPParserError {
  /// Whether the only thing wrong is that there was no more.
  var isEnd: Bool { self == .invalidEOFState }
}
