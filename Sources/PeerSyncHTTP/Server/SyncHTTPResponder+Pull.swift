// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import PeerSync

extension SyncHTTPResponder {
  /// Bytes written at a time: a peer that takes fewer than these in `stallTimeout` is given up.
  private static var pieceBytes: Int { 64 << 10 }

  /// `GET /v1/journal` and `POST /v1/journal/since`: the very bytes of an exported journal.
  func pull(since position: VersionVector) async throws -> Response {
    let slot = try slots.take()
    let journal = try await threads.runIfActive {
      let (storeID, source) = try replica.transactions(since: position)
      return try OutboundJournal(
        header: JournalStreamHeader(storeID: storeID, since: position), source: source,
        compressionLevel: limits.compressionLevel, threads: threads)
    }
    // The header, and then the first transactions: what cannot be read there is told in the answer.
    let header = try await journal.nextFrame()
    let first = try await journal.nextFrame()
    return Response(
      status: .ok, headers: [.contentType: MediaType.journal, .cacheControl: "no-store"],
      body: ResponseBody { writer in
        // An error ends the connection without the end of the body, so that no reader takes the
        // part for the whole; it has no totals frame either.
        do {
          if let header { try await writer.write(header) }
          var next = first
          while let frame = next {
            if slot.isEnding { throw TransferSlots.stopping }
            async let following = journal.nextFrame()
            for piece in frame.pieces(of: Self.pieceBytes) { try await writer.write(piece) }
            next = try await following
          }
          try await writer.finish(nil)
        } catch let error as SyncError where error.code == .store {
          logger.error("a transfer was broken off", metadata: ["message": "\(error.message)"])
          throw error
        }
      })
  }

  /// The position that a body holds: in a URL there would be no room for that of many origins.
  func position(in request: Request) async throws -> VersionVector {
    let bytes = try await request.body.bytes(upTo: VersionVector.maximumTextBytes)
    guard let text = String(validating: bytes, as: UTF8.self), let position = VersionVector(text)
    else { throw SyncError.corrupt("the position cannot be read") }
    return position
  }
}

extension VersionVector {
  /// More than any position has: an origin, a sequence and two marks for each entry.
  fileprivate static var maximumTextBytes: Int { JournalLimits.vectorEntries * 72 }
}
