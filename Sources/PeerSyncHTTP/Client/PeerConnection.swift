// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import ChangeJournal
import NIOCore
import NIOHTTP1
import NIOPosix
import PeerSync

/// The requests of docs/PROTOCOL.md, from the client's side.
struct PeerConnection: Sendable {
  private static let messageBytes = 4096

  let http: HTTPClient
  let peer: PeerAddress
  let options: SyncClientOptions
  let threads: NIOThreadPool

  /// `POST /v1/hello`.
  func exchange(_ hello: Hello) async throws(SyncError) -> Hello {
    do {
      var request = request(.POST, "/v1/hello", type: MediaType.message)
      request.body = .bytes(ByteBuffer(bytes: try hello.encoded()))
      let response = try await execute(request)
      return try Hello(decoding: try await response.bytes(upTo: Hello.maximumBytes))
    } catch let error as CodingError {
      throw Self.unreadable(error)
    } catch {
      throw SyncError(error, greeting: peer)
    }
  }

  /// `POST /v1/journal/since`: the body of the answer.
  func openJournal(since position: VersionVector) async throws(SyncError)
    -> HTTPClientResponse.Body
  {
    do {
      var request = request(.POST, "/v1/journal/since", type: MediaType.text)
      request.body = .bytes(ByteBuffer(string: "\(position)"))
      return try await execute(request).body
    } catch {
      throw failure(error)
    }
  }

  /// `POST /v1/journal`.
  func push(_ batch: SentBatch) async throws(SyncError) -> (Acknowledgement, bytes: UInt64) {
    do {
      let journal = try OutboundJournal(
        header: JournalStreamHeader(storeID: batch.storeID, since: batch.since),
        source: TransactionList(batch.transactions), compressionLevel: options.compressionLevel,
        threads: threads)
      var request = request(.POST, "/v1/journal", type: MediaType.journal)
      request.body = .stream(FrameSequence(journal: journal), length: .unknown)
      let response = try await execute(request)
      let bytes = try await response.bytes(upTo: Acknowledgement.maximumBytes)
      return (try Acknowledgement(decoding: bytes), journal.byteCount)
    } catch {
      throw failure(error)
    }
  }

  /// Says in our words what went wrong with the peer: unlike our store's, its coding errors are
  /// damage on the way.
  private func failure(_ error: any Error) -> SyncError {
    guard let error = error as? CodingError else { return SyncError(error, connectingTo: peer) }
    return Self.unreadable(error)
  }

  private static func unreadable(_ error: CodingError) -> SyncError {
    .corrupt("the peer's answer cannot be read: \(error)")
  }

  private func request(
    _ method: HTTPMethod, _ target: String, type: String? = nil
  ) -> HTTPClientRequest {
    var request = HTTPClientRequest(url: "\(peer)\(target)")
    request.method = method
    if let type { request.headers.add(name: "Content-Type", value: type) }
    if let token = options.token {
      request.headers.add(name: "Authorization", value: token.authorization)
    }
    return request
  }

  /// Sends a request and returns the answer if it is a good one.
  ///
  /// How long it may take is bounded by the time without a byte, not as a whole: a slow line is no
  /// error.
  private func execute(_ request: HTTPClientRequest) async throws -> HTTPClientResponse {
    let response = try await http.execute(request, deadline: .distantFuture)
    guard response.status != .ok else { return response }
    let message = try? await response.bytes(upTo: Self.messageBytes)
    throw SyncError(status: response.status, headers: response.headers, message: message ?? [])
  }
}

extension HTTPClientResponse {
  /// All bytes of a short body.
  fileprivate func bytes(upTo limit: Int) async throws -> [UInt8] {
    Array(try await body.collect(upTo: limit).readableBytesView)
  }
}

/// The frames of a journal as a request's body.
private struct FrameSequence<Source: TransactionSource>: AsyncSequence, Sendable {
  let journal: OutboundJournal<Source>

  struct AsyncIterator: AsyncIteratorProtocol {
    let journal: OutboundJournal<Source>

    mutating func next() async throws -> ByteBuffer? {
      try await journal.nextFrame()
    }
  }

  func makeAsyncIterator() -> AsyncIterator {
    AsyncIterator(journal: journal)
  }
}

extension SyncError {
  /// Reads the answer of a peer that refuses.
  fileprivate init(status: HTTPResponseStatus, headers: HTTPHeaders, message: [UInt8]) {
    if let name = headers.first(name: "Record-Store-Error") {
      self.init(
        answer: name, message: message, retryAfter: headers.first(name: "Retry-After"))
      return
    }
    switch status {
    case .unauthorized: self = .unauthorized("the peer asks for a token")
    case .forbidden: self = .refused("the peer refuses")
    case .serviceUnavailable, .tooManyRequests: self = .busy("the peer is busy", retryAfter: 1)
    default:
      self.init(.notFound, "no record store answers there (HTTP status \(status.code))")
    }
  }
}
