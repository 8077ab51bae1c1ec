// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import NIOPosix
import PeerSync
import Records
import ServiceLifecycle
import TestSupport

@testable import PeerSyncHTTP

/// A server of this process, on a free port of loopback.
struct RunningServer: Sendable {
  let port: Int
  fileprivate let group: ServiceGroup

  var peer: PeerAddress {
    get throws { try PeerAddress(parsing: "127.0.0.1:\(port)") }
  }

  /// Tells it to stop, as a signal does, and lets what is under way come to an end.
  func stop() async {
    await group.triggerGracefulShutdown()
  }
}

/// Says nothing.
let silentLogger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Keeps what a server notes.
struct Notes: LogHandler {
  let lines = Guarded<[String]>([])
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.info

  var logger: Logger { Logger(label: "test") { _ in self } }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let message = event.metadata?["message"].map { ": \($0)" } ?? ""
    lines.withLock { $0.append("\(event.level): \(event.message)\(message)") }
  }
}

/// Serves a store while `body` runs.
@discardableResult
func serving<R: Sendable>(
  _ store: RecordStore, token: String? = nil, certificate: ServerCertificate? = nil,
  limits: SyncServerLimits = SyncServerLimits(), logger: Logger = silentLogger,
  _ body: (RunningServer) async throws -> R
) async throws -> R {
  let (ports, port) = AsyncStream<Int>.makeStream()
  let server = SyncServer(
    store: store,
    options: SyncServerOptions(
      listen: try ListenAddress(parsing: "127.0.0.1:0"),
      token: try token.map { try BearerToken($0.utf8) }, certificate: certificate, limits: limits),
    clock: { NetworkReplica.now }, logger: logger, onStart: { port.yield($0) })
  let services = ServiceGroup(
    configuration: ServiceGroupConfiguration(
      services: [.init(service: server, successTerminationBehavior: .gracefullyShutdownGroup)],
      logger: silentLogger))
  return try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask {
      defer { port.finish() }
      try await services.run()
    }
    for await port in ports {
      let result = try await body(RunningServer(port: port, group: services))
      group.cancelAll()
      while true {
        // How it ends when it is cancelled is of no interest.
        do { if try await group.next() == nil { break } } catch {}
      }
      return result
    }
    try await group.waitForAll()
    throw TestFailure("the server ended before it listened")
  }
}

/// Syncs a store with whoever listens on a port of loopback.
@discardableResult
func sync(
  _ store: RecordStore, _ peer: PeerAddress, _ options: SyncOptions = SyncOptions(),
  token: String? = nil, authority: String? = nil, idleTimeout: Duration = .seconds(60),
  progress: @escaping @Sendable (SyncProgress) -> Void = { _ in }
) async throws(SyncError) -> SyncReport {
  var clientOptions = SyncClientOptions(
    token: token.flatMap { try? BearerToken($0.utf8) }, authorityPath: authority)
  clientOptions.idleTimeout = idleTimeout
  return try await SyncClient(
    peer: peer, options: clientOptions, clock: { NetworkReplica.now }
  ).sync(store, options: options, progress: progress)
}
