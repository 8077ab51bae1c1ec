// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import NIOCore
import NIOPosix
import PeerSync
import Synchronization

/// Encodes a journal stream for the network, on threads that may block.
final class OutboundJournal<Source: TransactionSource>: Sendable {
  private struct State {
    var source: Source
    var writer: JournalWriter
    var isFinished = false
    var byteCount: UInt64 = 0
  }

  private let state: Mutex<State>
  private let threads: NIOThreadPool

  /// Encodes what `source` gives, as a stream with this header.
  init(
    header: JournalStreamHeader, source: sending Source, compressionLevel: Int,
    threads: NIOThreadPool
  ) throws(SyncError) {
    do {
      var options = JournalWriter.Options()
      options.compressionLevel = compressionLevel
      let writer = try JournalWriter(header, options: options)
      state = Mutex(State(source: source, writer: writer))
      self.threads = threads
    } catch {
      throw SyncError(error)
    }
  }

  /// Bytes encoded so far.
  var byteCount: UInt64 { state.withLock { $0.byteCount } }

  /// The next frame; `nil` after the totals.
  func nextFrame() async throws -> ByteBuffer? {
    try await threads.runIfActive { try self.encodeNextFrame() }
  }

  private func encodeNextFrame() throws(SyncError) -> ByteBuffer? {
    do {
      return try state.withLock { state in
        while true {
          if let frame = try state.writer.nextFrame() {
            state.byteCount += UInt64(frame.count)
            return ByteBuffer(bytes: frame)
          }
          guard !state.isFinished else { return nil }
          if let transaction = try state.source.next() {
            try state.writer.append(transaction)
          } else {
            try state.writer.finish()
            state.isFinished = true
          }
        }
      }
    } catch {
      throw SyncError(error)
    }
  }
}

/// Transactions that are in memory.
struct TransactionList: TransactionSource {
  private var rest: ArraySlice<EncodedTransaction>

  init(_ transactions: [EncodedTransaction]) {
    rest = transactions[...]
  }

  mutating func next() -> EncodedTransaction? {
    rest.popFirst()
  }
}

extension ByteBuffer {
  /// The readable bytes in pieces of at most `length`, so that a slow reader is seen to take some.
  func pieces(of length: Int) -> [ByteBuffer] {
    var rest = self
    var pieces: [ByteBuffer] = []
    while let piece = rest.readSlice(length: min(length, rest.readableBytes)),
      piece.readableBytes > 0
    {
      pieces.append(piece)
    }
    return pieces
  }
}
