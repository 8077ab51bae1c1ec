// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import PeerSync

/// Answers requests, as docs/PROTOCOL.md describes.
struct SyncHTTPResponder<Store: ReplicaStore>: HTTPResponder {
  typealias Context = BasicRequestContext

  let replica: SyncResponder<Store>
  let gate: RequestGate
  let slots: TransferSlots
  let budget: StagingBudget
  let limits: SyncServerLimits
  /// Where store calls run: they block.
  let threads: NIOThreadPool
  /// Milliseconds since 1970.
  let clock: @Sendable () -> UInt64
  let logger: Logger

  func respond(to request: Request, context: Context) async throws -> Response {
    do {
      return try await answer(request)
    } catch let error as SyncError {
      log(error, request)
      return Response(error)
    } catch is CancellationError {
      return Response(TransferSlots.stopping)
    }
  }

  private func answer(_ request: Request) async throws -> Response {
    // A stranger learns nothing, not even what could be asked for.
    let route = Route(request)
    if let refusal = gate.refusal(of: request.head, needsToken: route != .health) { throw refusal }
    switch route {
    case nil:
      throw SyncError(
        .notFound, "there is no \(request.method.rawValue) \(request.uri.path)")
    case .health:
      return Response(bytes: Array("ok\n".utf8), type: MediaType.text)
    case .readHello: return try await readHello()
    case .exchangeHello: return try await exchangeHello(request)
    case .pullAll: return try await pull(since: VersionVector())
    case .pull: return try await pull(since: try await position(in: request))
    case .push: return try await push(request)
    }
  }

  private func readHello() async throws -> Response {
    let hello = try await threads.runIfActive { try replica.hello(clock: clock()) }
    return Response(bytes: try hello.encoded(), type: MediaType.message)
  }

  private func exchangeHello(_ request: Request) async throws -> Response {
    let bytes = try await request.body.bytes(upTo: Hello.maximumBytes)
    let peer: Hello
    do {
      peer = try Hello(decoding: bytes)
    } catch {
      throw SyncError.corrupt("the hello cannot be read: \(error)")
    }
    let mine = try await threads.runIfActive { try replica.answer(peer, clock: clock()) }
    return Response(bytes: try mine.encoded(), type: MediaType.message)
  }

  private func log(_ error: SyncError, _ request: Request) {
    let isOurs = error.code == .store
    logger.log(
      level: isOurs ? .error : .info, "request refused",
      metadata: [
        "method": "\(request.method.rawValue)", "path": "\(request.uri.path)",
        "error": "\(error.code.rawValue)", "message": "\(error.message)",
      ])
  }
}

/// What can be asked for.
enum Route {
  case health, readHello, exchangeHello, pullAll, pull, push

  /// `nil` for what nobody answers.
  init?(_ request: Request) {
    switch (request.method, request.uri.path) {
    case (.get, "/v1/health"): self = .health
    case (.get, "/v1/hello"): self = .readHello
    case (.post, "/v1/hello"): self = .exchangeHello
    case (.get, "/v1/journal"): self = .pullAll
    case (.post, "/v1/journal/since"): self = .pull
    case (.post, "/v1/journal"): self = .push
    default: return nil
    }
  }
}

/// The types of bodies.
enum MediaType {
  /// Hello and acknowledgement.
  static let message = "application/cbor"
  /// A journal stream.
  static let journal = "application/vnd.record-store.journal"
  /// A position, or a sentence for people.
  static let text = "text/plain; charset=utf-8"
}

extension RequestBody {
  /// All bytes of a short body.
  func bytes(upTo limit: Int) async throws -> [UInt8] {
    do {
      return Array(try await collect(upTo: limit).readableBytesView)
    } catch is NIOTooManyBytesError {
      throw SyncError(.tooLarge, "the body has more than \(limit) bytes")
    }
  }
}
