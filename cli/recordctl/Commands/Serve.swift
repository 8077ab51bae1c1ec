// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Logging
import PeerSync
import PeerSyncHTTP
import Records
import ServiceLifecycle

/// `recordctl serve`.
struct Serve: StoreCommand {
  static let configuration = CommandConfiguration(
    abstract: "Let peers synchronise with this store, over HTTP.",
    discussion: """
      Ends with Ctrl-C or SIGTERM, within two seconds and without loss. Where other machines can \
      reach the address, a token and TLS are required.
      """)

  @Option(
    help: ArgumentHelp("Where to listen; port 0 takes a free one.", valueName: "host:port"),
    transform: ListenAddress.init(parsing:))
  var listen = ListenAddress.loopback

  @Option(help: ArgumentHelp("The token that peers must present.", valueName: "file"))
  var tokenFile: String?

  @Option(help: ArgumentHelp("The server's certificate, PEM.", valueName: "file"))
  var tlsCertificate: String?

  @Option(help: ArgumentHelp("The certificate's private key, PEM.", valueName: "file"))
  var tlsKey: String?

  @OptionGroup var common: CommonOptions

  func validate() throws {
    if (tlsCertificate == nil) != (tlsKey == nil) {
      throw ValidationError("--tls-certificate and --tls-key go together")
    }
  }

  func execute(in context: Context) async throws -> ExitStatus {
    try OpenFiles.ensureForNetwork()
    let options = SyncServerOptions(
      listen: listen, token: try context.token(inFile: tokenFile), certificate: try certificate())
    let store = try RecordStore.open(at: context.store)
    defer { try? store.close() }
    let log = context.log
    let name = context.store
    let scheme = options.certificate == nil ? "http" : "https"
    let host = listen.host.contains(":") ? "[\(listen.host)]" : listen.host
    let logger = Logger(label: "serve") { _ in LogBridge(log) }
    let server = SyncServer(store: store, options: options, logger: logger) { port in
      let url = "\(scheme)://\(host):\(port)"
      log.notice("serving \(name) at \(url)")
      // For programs that let the system choose the port; a reader that went away stops nothing.
      if context.format != nil {
        try? context.report(["store": .text(name), "url": .text(url)])
      }
    }
    try await run(server, context, logger)
    try store.close()
    log.notice("stopped serving \(name)")
    return .success
  }

  /// Runs the server until a signal ends it.
  private func run(
    _ server: some Service, _ context: Context, _ logger: Logger
  ) async throws {
    // The group would be told of its shutdown through this logger, which is of no interest.
    var quiet = logger
    quiet.logLevel = .critical
    let group = ServiceGroup(services: [server], logger: quiet)
    context.interruption.onRaise {
      Task { await group.triggerGracefulShutdown() }
    }
    try await group.run()
  }

  private func certificate() throws -> ServerCertificate? {
    guard let tlsCertificate, let tlsKey else { return nil }
    try Descriptor.reading(tlsCertificate).close()
    try Descriptor.reading(tlsKey).close()
    return ServerCertificate(certificatePath: tlsCertificate, keyPath: tlsKey)
  }
}

extension Context {
  /// Reads the token in a file; nil when no file is named.
  func token(inFile path: String?) throws -> BearerToken? {
    guard let path else { return nil }
    return try BearerToken(InputFile(path, interruption).readAll(limit: 4096))
  }
}
