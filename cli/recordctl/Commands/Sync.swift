// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PeerSync
import PeerSyncHTTP
import Records

/// `recordctl sync`.
struct Sync: StoreCommand {
  static let configuration = CommandConfiguration(
    abstract: "Exchange transactions with a peer, both ways.",
    discussion: """
      Can be stopped at any time; the next sync goes on from there. A store without transactions \
      becomes a replica of the peer's data set. Exit code 3 says that something is held: see \
      'status'.
      """)

  @Argument(
    help: "HOST, HOST:PORT or an http(s) URL. A loopback host means HTTP, any other HTTPS.",
    transform: PeerAddress.init(parsing:))
  var peer: PeerAddress

  @Flag(help: "Only send.")
  var push = false

  @Flag(help: "Only receive.")
  var pull = false

  @Flag(help: "Tell what would be exchanged, and exchange nothing.")
  var dryRun = false

  @Flag(help: "Join the two data sets, though both have transactions.")
  var adopt = false

  @Option(help: ArgumentHelp("The token that the peer asks for.", valueName: "file"))
  var tokenFile: String?

  @Option(help: ArgumentHelp("Certificates to trust instead of the system's.", valueName: "file"))
  var ca: String?

  @OptionGroup var common: CommonOptions

  func validate() throws {
    if push && pull { throw ValidationError("--push and --pull exclude each other") }
  }

  func execute(in context: Context) async throws -> ExitStatus {
    try OpenFiles.ensureForNetwork()
    if let ca { try Descriptor.reading(ca).close() }
    let client = SyncClient(
      peer: peer,
      options: SyncClientOptions(token: try context.token(inFile: tokenFile), authorityPath: ca))
    let store = try RecordStore.open(at: context.store)
    defer { try? store.close() }
    let report: SyncReport
    do {
      report = try await exchange(client, store, context)
    } catch let error as SyncError {
      throw Failure(error, peer: "\(peer)")
    }
    try store.close()
    if report.heldByPeer > 0 {
      context.log.notice(
        "transactions that the peer has put aside: \(report.heldByPeer); 'recordctl status' there "
          + "says why")
    }
    try context.report(item(report))
    return report.held > 0 && !dryRun ? .held : .success
  }

  /// Runs the session, which a signal ends at its next batch.
  private func exchange(
    _ client: SyncClient, _ store: RecordStore, _ context: Context
  ) async throws -> SyncReport {
    let progress = context.progress("sync", counting: "records")
    defer { progress.finish() }
    let options = SyncOptions(
      direction: push ? .push : pull ? .pull : .both, adopt: adopt, isDryRun: dryRun)
    let session = Task {
      try await client.sync(store, options: options) { progress.show($0) }
    }
    context.interruption.onRaise { session.cancel() }
    do {
      return try await session.value
    } catch {
      try context.interruption.check()
      throw error
    }
  }

  private func item(_ report: SyncReport) -> Item {
    let plan = report.plan
    guard !dryRun else {
      return [
        "peer": .text("\(peer)"),
        "toPull": .unsigned(plan?.toPull ?? 0), "toPush": .unsigned(plan?.toPush ?? 0),
        "adoptsPeer": .bool(plan?.adoptsPeer ?? false),
        "peerAdopts": .bool(plan?.peerAdopts ?? false),
        "clockOffset": .integer(plan?.clockOffset ?? 0),
        "position": .text("\(report.position)"),
      ]
    }
    return [
      "peer": .text("\(peer)"), "pulled": Self.item(report.pulled),
      "pushed": Self.item(report.pushed), "held": .unsigned(report.held),
      "heldByPeer": .unsigned(report.heldByPeer),
      "bytesReceived": .unsigned(report.bytesReceived), "bytesSent": .unsigned(report.bytesSent),
      "clockOffset": .integer(plan?.clockOffset ?? 0), "position": .text("\(report.position)"),
    ]
  }

  private static func item(_ count: SyncCount) -> Item {
    ["transactions": .unsigned(count.transactions), "records": .unsigned(count.records)]
  }
}

extension Progress {
  /// Shows how far a sync is.
  func show(_ state: SyncProgress) {
    guard state.phase != .handshake else { return }
    update(
      done: state.records,
      fraction: state.total > 0 ? Double(state.done) / Double(state.total) : nil)
  }
}
