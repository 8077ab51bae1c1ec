// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOPosix
import NIOSSL
public import PeerSync
public import Records

/// How a peer is reached.
public struct SyncClientOptions: Sendable {
  /// The token the peer asks for.
  public var token: BearerToken?
  /// A file of certificates in PEM form that are trusted instead of the system's.
  public var authorityPath: String?
  /// Time a connection may take to open, TLS handshake included.
  public var connectTimeout: Duration = .seconds(10)
  /// Time without a byte from a peer that owes us one, or that takes none.
  public var idleTimeout: Duration = .seconds(60)
  /// The zlib level of what is sent: 1 (fast) to 9 (small), 0 for none.
  public var compressionLevel = 1
  /// Bytes of memory for one transaction that comes in fragments.
  ///
  /// A longer one is refused.
  public var stagingBytes = 256 << 20

  /// The defaults: no token, the system's certificates.
  public init(token: BearerToken? = nil, authorityPath: String? = nil) {
    self.token = token
    self.authorityPath = authorityPath
  }
}

/// Syncs a store with a peer over HTTP.
public struct SyncClient: Sendable {
  private let peer: PeerAddress
  private let options: SyncClientOptions
  private let clock: @Sendable () -> UInt64

  /// Names a peer; nothing happens until `sync`.
  ///
  /// - Parameters:
  ///   - peer: Where it is.
  ///   - options: How it is reached.
  ///   - clock: Milliseconds since 1970.
  public init(
    peer: PeerAddress, options: SyncClientOptions = SyncClientOptions(),
    clock: @escaping @Sendable () -> UInt64 = Environment.system.now
  ) {
    self.peer = peer
    self.options = options
    self.clock = clock
  }

  /// Runs one session.
  ///
  /// When it returns or throws no call into the store is under way, and whatever was applied stays
  /// applied: the next session goes on from there. Cancelling the task ends it at the next batch.
  ///
  /// - Parameters:
  ///   - store: Our side.
  ///   - syncOptions: What to do.
  ///   - progress: Is called after each batch.
  /// - Throws: `SyncError`.
  public func sync<Store: ReplicaStore>(
    _ store: Store, options syncOptions: SyncOptions = SyncOptions(),
    progress: @escaping @Sendable (SyncProgress) -> Void = { _ in }
  ) async throws(SyncError) -> SyncReport {
    let http = HTTPClient(
      eventLoopGroupProvider: .singleton, configuration: try configuration())
    // One thread for the store, one to decode or encode, and one to read ahead.
    let threads = NIOThreadPool(numberOfThreads: 3)
    threads.start()
    let connection = PeerConnection(http: http, peer: peer, options: options, threads: threads)
    let driver = SyncDriver(store: store, connection: connection, threads: threads, clock: clock)
    let result = await driver.run(syncOptions, progress: progress)
    try? await http.shutdown()
    try? await threads.shutdownGracefully()
    return try result.get()
  }

  private func configuration() throws(SyncError) -> HTTPClient.Configuration {
    var tls = TLSConfiguration.makeClientConfiguration()
    tls.minimumTLSVersion = .tlsv12
    if let path = options.authorityPath {
      guard let certificates = try? NIOSSLCertificate.fromPEMFile(path), !certificates.isEmpty
      else { throw .refused("\(path) holds no certificates in PEM form") }
      tls.trustRoots = .certificates(certificates)
    }
    let idle = TimeAmount(options.idleTimeout)
    var configuration = HTTPClient.Configuration(
      tlsConfiguration: tls, redirectConfiguration: .disallow,
      timeout: .init(connect: TimeAmount(options.connectTimeout), read: idle, write: idle))
    configuration.httpVersion = .http1Only
    configuration.connectionPool.retryConnectionEstablishment = false
    return configuration
  }
}
