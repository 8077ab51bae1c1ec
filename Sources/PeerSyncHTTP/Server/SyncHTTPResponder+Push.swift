// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import NIOPosix
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
    try await receive(journal, from: &chunks, slot)
    let acknowledgement = try await threads.runIfActive { try replica.acknowledgement() }
    return Response(bytes: try acknowledgement.encoded(), type: MediaType.message)
  }

  private func receive(
    _ journal: InboundJournal, from chunks: inout some AsyncIteratorProtocol<ByteBuffer, any Error>,
    _ slot: TransferSlots.Slot
  ) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      var storeID: StoreID?
      while true {
        let batch = await journal.nextBatch(from: &chunks, limit: Self.takeBytes)
        let isFirst = storeID == nil
        storeID = storeID ?? batch.header?.storeID
        try await group.next()
        // The first batch goes to the store even if it is empty: a stream of another data set is
        // refused, whatever it holds.
        if let storeID, isFirst || !batch.transactions.isEmpty {
          group.addTask {
            try await threads.runIfActive {
              _ = try replica.take(batch.transactions, of: storeID)
            }
          }
        }
        if let failure = batch.failure {
          try await group.next()
          throw failure
        }
        if batch.isLast { break }
        if slot.isEnding {
          // What was received whole is applied; leaving now would drop it.
          try await group.next()
          throw TransferSlots.stopping
        }
      }
      try await group.next()
    }
  }
}

/// The body of a request, as long and as slow as it may be.
struct BoundedBody<Chunks: AsyncIteratorProtocol<ByteBuffer, any Error>>: AsyncIteratorProtocol {
  typealias Failure = any Error

  private var chunks: Chunks
  private let limits: SyncServerLimits
  private var byteCount: UInt64 = 0
  private var waited = Duration.zero

  init(_ chunks: Chunks, limits: SyncServerLimits) {
    self.chunks = chunks
    self.limits = limits
  }

  mutating func next() async throws -> ByteBuffer? {
    let start = ContinuousClock.now
    guard let chunk = try await chunks.next() else { return nil }
    waited += ContinuousClock.now - start
    byteCount += UInt64(chunk.readableBytes)
    guard byteCount <= limits.maximumBodyBytes else {
      throw SyncError(.tooLarge, "the body has more than \(limits.maximumBodyBytes) bytes")
    }
    if waited > limits.stallTimeout,
      byteCount / UInt64(max(1, waited.components.seconds)) < limits.minimumBodyRate
    {
      throw SyncError.timeout("the body comes too slowly")
    }
    return chunk
  }
}
