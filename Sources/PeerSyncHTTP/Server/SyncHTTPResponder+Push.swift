// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import HTTPTypes
import Hummingbird
import NIOCore
import PeerSync

extension SyncHTTPResponder {
  /// Canonical bytes handed to the store at once.
  private static var takeBytes: Int { 4 << 20 }

  /// `POST /v1/journal`: takes a journal stream, and answers when it is durable.
  ///
  /// One batch is applied while the next is received and decoded.
  func push(_ request: Request) async throws -> Response {
    if let length = request.headers[.contentLength].flatMap(UInt64.init),
      length > limits.maximumBodyBytes
    {
      throw SyncError(.tooLarge, "the body has \(length) bytes, \(limits.maximumBodyBytes) may be")
    }
    let slot = try slots.take()
    let journal = InboundJournal(name: "request body", budget: budget, threads: threads)
    var chunks = BoundedBody(request.body.makeAsyncIterator(), limits: limits)
    var hasHeader = false
    var underWay: Task<Void, any Error>?
    while true {
      let batch = await journal.nextBatch(from: &chunks, limit: Self.takeBytes)
      if let header = batch.header {
        try await threads.runIfActive { try replica.accept(header.storeID) }
        hasHeader = true
      }
      try await underWay?.value
      underWay = nil
      if !batch.transactions.isEmpty, hasHeader {
        underWay = Task {
          try await threads.runIfActive { _ = try replica.take(batch.transactions) }
        }
      }
      if batch.failure != nil || batch.isLast {
        try await underWay?.value
        if let failure = batch.failure { throw failure }
        break
      }
      try slot.checkOpen()
    }
    let acknowledgement = try await threads.runIfActive { try replica.acknowledgement() }
    return Response(bytes: try acknowledgement.encoded(), type: MediaType.message)
  }
}

/// The body of a request, as long and as slow as it may be.
struct BoundedBody<Chunks: AsyncIteratorProtocol<ByteBuffer, any Error>>: AsyncIteratorProtocol {
  typealias Failure = any Error

  private var chunks: Chunks
  private let limits: SyncServerLimits
  private let start = ContinuousClock.now
  private var byteCount: UInt64 = 0

  init(_ chunks: Chunks, limits: SyncServerLimits) {
    self.chunks = chunks
    self.limits = limits
  }

  mutating func next() async throws -> ByteBuffer? {
    guard let chunk = try await chunks.next() else { return nil }
    byteCount += UInt64(chunk.readableBytes)
    guard byteCount <= limits.maximumBodyBytes else {
      throw SyncError(.tooLarge, "the body has more than \(limits.maximumBodyBytes) bytes")
    }
    return chunk
  }
}
