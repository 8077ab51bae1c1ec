// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import HummingbirdCore
import HummingbirdTLS
public import Logging
import NIOCore
import NIOPosix
import NIOSSL
public import PeerSync
public import Records
public import ServiceLifecycle

/// Serves a store to peers over HTTP.
///
/// ```swift
/// let server = SyncServer(store: store, options: SyncServerOptions())
/// try await server.run()
/// ```
public struct SyncServer<Store: ReplicaStore>: Service {
  private let store: Store
  private let options: SyncServerOptions
  private let clock: @Sendable () -> UInt64
  private let logger: Logger
  private let onStart: @Sendable (Int) async -> Void

  /// Creates a server; nothing happens until `run()`.
  ///
  /// - Parameters:
  ///   - store: What is served. It must stay open until `run()` has returned.
  ///   - options: How to listen.
  ///   - clock: Milliseconds since 1970.
  ///   - logger: Where requests that were refused and failures are noted.
  ///   - onStart: Is called with the port once the server listens.
  public init(
    store: Store, options: SyncServerOptions = SyncServerOptions(),
    clock: @escaping @Sendable () -> UInt64 = Environment.system.now,
    logger: Logger = Logger(label: "record-store.sync"),
    onStart: @escaping @Sendable (Int) async -> Void = { _ in }
  ) {
    self.store = store
    self.options = options
    self.clock = clock
    self.logger = logger
    self.onStart = onStart
  }

  /// Serves until the task is cancelled or a graceful shutdown is asked for.
  ///
  /// When it returns no call into the store is under way. It returns within about
  /// `shutdownTimeout` and the time of one batch: transfers end at their next frame, and what was
  /// received whole is applied.
  ///
  /// - Throws: `SyncServerError` when the server cannot start.
  public func run() async throws {
    let binding = try resolve()
    let slots = TransferSlots(limit: options.limits.maximumTransfers)
    let connections = OpenConnections()
    let threads = NIOThreadPool(numberOfThreads: options.limits.maximumTransfers + 2)
    threads.start()
    let result: Result<Void, any Error>
    do {
      let application = try application(
        on: binding, slots: slots, connections: connections, threads: threads)
      try await serve(application, slots, connections)
      result = .success(())
    } catch is CancellationError {
      result = .success(())
    } catch {
      result = .failure(Self.startFailure(error, address: "\(options.listen)"))
    }
    try? await threads.shutdownGracefully()
    try result.get()
  }

  /// Runs the HTTP server to its end.
  ///
  /// It runs in a task that is never cancelled: see `OpenConnections`. Whoever asks for the end, the
  /// listening socket is closed, transfers have their time, and then connections are closed.
  private func serve(
    _ application: some ApplicationProtocol, _ slots: TransferSlots, _ connections: OpenConnections
  ) async throws {
    try Task.checkCancellation()
    let timeout = options.limits.shutdownTimeout
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: [
          .init(service: application, successTerminationBehavior: .gracefullyShutdownGroup)
        ],
        logger: logger))
    let running = Task.detached { try await group.run() }
    do {
      try await withTaskCancellationOrGracefulShutdownHandler {
        try await running.value
      } onCancelOrGracefulShutdown: {
        slots.close()
        Task.detached {
          await group.triggerGracefulShutdown()
          try? await Task.sleep(for: timeout)
          connections.closeAll()
        }
      }
    } catch {
      // How a server ends that was told to is no failure.
      guard slots.isClosed else { throw error }
    }
  }

  private func application(
    on binding: (address: SocketAddress, isLoopback: Bool), slots: TransferSlots,
    connections: OpenConnections, threads: NIOThreadPool
  ) throws -> some ApplicationProtocol {
    let limits = options.limits
    let responder = SyncHTTPResponder(
      replica: SyncResponder(store: store),
      gate: RequestGate(isLoopback: binding.isLoopback, token: options.token), slots: slots,
      budget: StagingBudget(limit: limits.stagingBytes), limits: limits, threads: threads,
      clock: clock, logger: logger)
    let plain = HTTPServerBuilder.http1(
      configuration: .init(
        additionalChannelHandlers: [
          ConnectionGuard(limits: limits, connections: connections)
        ],
        httpDecoderConfiguration: .init(
          maxHeaderFieldSize: limits.maximumHeaderFieldBytes,
          maxHeaderListSize: limits.maximumHeaderBytes,
          maxHeaderFieldCount: limits.maximumHeaderFields)))
    let onStart = onStart
    return Application(
      responder: responder,
      server: try options.certificate.map {
        try .tls(plain, tlsConfiguration: Self.tls($0))
      } ?? plain,
      configuration: ApplicationConfiguration(
        address: .hostname(binding.address.ipAddress ?? "", port: binding.address.port ?? 0),
        availableConnectionsDelegate: MaximumAvailableConnections(limits.maximumConnections)),
      onServerRunning: { channel in await onStart(channel.localAddress?.port ?? 0) },
      logger: logger)
  }
}

extension SyncServer {
  /// Finds the address to bind to, and refuses one that others can reach without a token and TLS.
  private func resolve() throws(SyncServerError) -> (address: SocketAddress, isLoopback: Bool) {
    let binding: (address: SocketAddress, isLoopback: Bool)
    do {
      binding = try options.listen.resolved()
    } catch {
      throw .cannotListen(address: "\(options.listen)", reason: "the host cannot be resolved")
    }
    guard !binding.isLoopback else { return binding }
    var missing: [String] = []
    if options.token == nil { missing.append("a token") }
    if options.certificate == nil { missing.append("a TLS certificate and key") }
    guard missing.isEmpty else {
      throw .insecure(address: "\(options.listen)", missing: missing)
    }
    return binding
  }

  private static func tls(_ files: ServerCertificate) throws(SyncServerError) -> TLSConfiguration {
    guard let chain = try? NIOSSLCertificate.fromPEMFile(files.certificatePath), !chain.isEmpty
    else {
      throw .certificate(path: files.certificatePath, reason: "it holds no certificate in PEM form")
    }
    guard let key = try? NIOSSLPrivateKey(file: files.keyPath, format: .pem) else {
      throw .certificate(
        path: files.keyPath, reason: "it holds no private key in PEM form without a passphrase")
    }
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
    configuration.minimumTLSVersion = .tlsv12
    configuration.applicationProtocols = ["http/1.1"]
    return configuration
  }

  private static func startFailure(_ error: any Error, address: String) -> any Error {
    guard let error = error as? IOError else { return error }
    return SyncServerError.cannotListen(address: address, reason: SyncError.words(for: error))
  }
}
