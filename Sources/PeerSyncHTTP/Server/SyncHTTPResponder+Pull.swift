// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import NIOPosix
import PeerSync

extension SyncHTTPResponder {
  /// Bytes written at a time: a peer that takes fewer than these in `stallTimeout` is given up.
  private static var pieceBytes: Int { 64 << 10 }

  /// `GET /v1/journal?since=POSITION`: the very bytes of an exported journal.
  func pull(_ request: Request) async throws -> Response {
    let position = try Self.position(of: request)
    let slot = try slots.take()
    let journal = try await threads.runIfActive {
      let hello = try replica.hello(clock: clock())
      return try OutboundJournal(
        header: JournalStreamHeader(storeID: hello.storeID, since: position),
        source: try replica.transactions(since: position),
        compressionLevel: limits.compressionLevel, threads: threads)
    }
    return Response(
      status: .ok, headers: [.contentType: MediaType.journal, .cacheControl: "no-store"],
      body: ResponseBody { writer in
        // An error ends the connection without the end of the body, so that no reader takes the
        // part for the whole; it has no totals frame either.
        var next = try await journal.nextFrame()
        while let frame = next {
          try slot.checkOpen()
          async let following = journal.nextFrame()
          for piece in frame.pieces(of: Self.pieceBytes) { try await writer.write(piece) }
          next = try await following
        }
        try await writer.finish(nil)
      })
  }

  private static func position(of request: Request) throws(SyncError) -> VersionVector {
    let values = request.uri.queryParameters.getAll("since")
    guard values.count <= 1 else { throw .corrupt("the position is given twice") }
    guard let position = VersionVector(values.first.map { String($0) } ?? "") else {
      throw .corrupt("the position cannot be read")
    }
    return position
  }
}
