// SPDX-License-Identifier: Apache-2.0

/// How a server listens and what it lets a peer cost.
public struct SyncServerOptions: Sendable {
  /// Where to listen.
  public var listen: ListenAddress
  /// The token peers must present.
  ///
  /// Needed off loopback.
  public var token: BearerToken?
  /// Certificate and key.
  ///
  /// Needed off loopback.
  public var certificate: ServerCertificate?
  /// What a peer may cost.
  public var limits: SyncServerLimits

  /// Creates options; the defaults listen on loopback.
  public init(
    listen: ListenAddress = .loopback, token: BearerToken? = nil,
    certificate: ServerCertificate? = nil, limits: SyncServerLimits = SyncServerLimits()
  ) {
    self.listen = listen
    self.token = token
    self.certificate = certificate
    self.limits = limits
  }
}

/// Files in PEM form.
public struct ServerCertificate: Sendable, Hashable {
  /// The certificate, followed by those that vouch for it.
  public let certificatePath: String
  /// Its private key.
  public let keyPath: String

  /// Names the two files; they are read when the server starts.
  public init(certificatePath: String, keyPath: String) {
    self.certificatePath = certificatePath
    self.keyPath = keyPath
  }
}

/// What a peer may cost the server.
public struct SyncServerLimits: Sendable {
  /// Connections open at a time; further ones wait to be accepted.
  public var maximumConnections = 64
  /// Journals sent and received at a time; further requests are answered `busy`.
  public var maximumTransfers = 8
  /// Bytes of a request's target and of each header field.
  public var maximumHeaderFieldBytes = 64 << 10
  /// Bytes of all header fields together.
  public var maximumHeaderBytes = 80 << 10
  /// Header fields.
  public var maximumHeaderFields = 64
  /// Bytes of the body of one request.
  public var maximumBodyBytes: UInt64 = 1 << 30
  /// Bytes of memory for transactions that come in fragments, over all transfers.
  ///
  /// A longer one cannot be received.
  public var stagingBytes = 256 << 20
  /// The zlib level of journals that are sent: 1 (fast) to 9 (small), 0 for none.
  public var compressionLevel = 1
  /// Time a peer has to complete the head of a request, TLS handshake included.
  public var headTimeout: Duration = .seconds(10)
  /// Time a connection may stay open without a request.
  public var keepAliveTimeout: Duration = .seconds(60)
  /// Time without a byte from a peer that owes us one, or without a byte taken by a peer that we
  /// owe one.
  public var stallTimeout: Duration = .seconds(30)
  /// Bytes per second a body must reach on average once `stallTimeout` has passed.
  public var minimumBodyRate: UInt64 = 1024
  /// Time transfers have to come to an end when the server is told to stop.
  public var shutdownTimeout: Duration = .milliseconds(1200)

  /// The defaults.
  public init() {}
}

/// Why a server does not start.
public enum SyncServerError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Other machines could reach the address, and a token or a certificate is missing.
  case insecure(address: String, missing: [String])
  /// The address cannot be listened on.
  case cannotListen(address: String, reason: String)
  /// The certificate or its key cannot be used.
  case certificate(path: String, reason: String)

  /// One sentence for people.
  public var description: String {
    switch self {
    case .insecure(let address, let missing):
      """
      other machines can reach \(address): listening there needs \
      \(missing.joined(separator: " and "))
      """
    case .cannotListen(let address, let reason): "cannot listen on \(address): \(reason)"
    case .certificate(let path, let reason): "cannot use \(path): \(reason)"
    }
  }
}
