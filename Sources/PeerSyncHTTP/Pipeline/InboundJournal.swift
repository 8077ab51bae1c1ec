// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import NIOCore
import NIOPosix
import PeerSync
import Synchronization

/// Decodes a journal stream that arrives over the network, on threads that may block.
///
/// Besides the batch it returns it holds at most `pieceBytes` of stored frames, one expanded
/// frame, and one large transaction within the budget.
final class InboundJournal: Sendable {
  /// Bytes that are collected before a thread is given work: less, and handing over costs more
  /// than decoding.
  private static let pieceBytes = 256 << 10
  /// After this time what has come is worth making durable, however little it is.
  private static let patience = Duration.seconds(1)

  private struct State {
    var reader: JournalReader
    /// Whether the reader may hold whole frames that were not decoded yet.
    var mayHoldFrames = false
    /// Why no further bytes come; told once what came before is decoded.
    var broken: SyncError?
  }

  private let state: Mutex<State>
  private let threads: NIOThreadPool

  /// Decodes a stream that errors are to call `name`; large transactions are staged in `budget`.
  init(name: String, budget: StagingBudget, threads: NIOThreadPool) {
    let reader = JournalReader(name: name, staging: BudgetedStaging(budget))
    state = Mutex(State(reader: reader))
    self.threads = threads
  }

  /// What some bytes of a stream hold.
  struct Batch: Sendable {
    /// Comes with the first batch.
    var header: JournalStreamHeader?
    var transactions: [EncodedTransaction] = []
    /// Bytes on the wire.
    var storedByteCount: UInt64 = 0
    /// Canonical bytes of the transactions.
    var byteCount = 0
    /// Whether the stream came to its proper end.
    var isLast = false
    /// Why there will be no further batch.
    ///
    /// What this one holds is verified all the same.
    var failure: SyncError?

    /// Whether something is to be done about it.
    var isWorthReturning: Bool { !transactions.isEmpty || isLast || failure != nil }
  }

  /// Reads on until a batch has so many canonical bytes, a moment has passed and there is
  /// something, the stream is complete, or it is broken.
  func nextBatch(
    from chunks: inout some AsyncIteratorProtocol<ByteBuffer, any Error>, limit: Int
  ) async -> Batch {
    let start = ContinuousClock.now
    var batch = Batch()
    do {
      while true {
        try await readOn(from: &chunks, into: &batch, limit: limit, since: start)
        let isLate = ContinuousClock.now - start > Self.patience
        guard batch.isWorthReturning else { continue }
        if batch.isLast || isLate || batch.byteCount >= limit { return batch }
      }
    } catch {
      batch.failure = error
      return batch
    }
  }

  private func readOn(
    from chunks: inout some AsyncIteratorProtocol<ByteBuffer, any Error>, into batch: inout Batch,
    limit: Int, since start: ContinuousClock.Instant
  ) async throws(SyncError) {
    var input: [UInt8]?
    if !state.withLock({ $0.mayHoldFrames }) {
      input = try await collect(from: &chunks, since: start)
      batch.storedByteCount += UInt64(input?.count ?? 0)
    }
    do {
      let (feed, before) = (input, batch)
      batch = try await threads.runIfActive { self.decode(feed, into: before, limit: limit) }
    } catch {
      throw SyncError(error)
    }
    if let failure = batch.failure { throw failure }
  }

  /// Collects a piece; none at the end of the stream.
  ///
  /// When the stream breaks, what has come is returned first: on a line that breaks often this is
  /// how any progress is made.
  private func collect(
    from chunks: inout some AsyncIteratorProtocol<ByteBuffer, any Error>,
    since start: ContinuousClock.Instant
  ) async throws(SyncError) -> [UInt8] {
    if let broken = state.withLock({ $0.broken }) { throw broken }
    var bytes: [UInt8] = []
    do {
      while let chunk = try await chunks.next() {
        bytes.append(contentsOf: chunk.readableBytesView)
        let isLate = ContinuousClock.now - start > Self.patience
        if bytes.count >= Self.pieceBytes || isLate, !bytes.isEmpty { break }
      }
      return bytes
    } catch {
      let broken = SyncError(carrier: error)
      guard !bytes.isEmpty else { throw broken }
      state.withLock { $0.broken = broken }
      return bytes
    }
  }

  /// Decodes what the reader holds and, when `input` is not `nil`, these further bytes; none mean
  /// the end of the stream.
  private func decode(_ input: [UInt8]?, into before: Batch, limit: Int) -> Batch {
    var batch = before
    do throws(JournalError) {
      try state.withLock { state throws(JournalError) in
        if let input { state.reader.feed(input) }
        state.mayHoldFrames = true
        while batch.byteCount < limit {
          guard let event = try state.reader.next() else {
            state.mayHoldFrames = false
            break
          }
          switch event {
          case .header(let header): batch.header = header
          case .transactions(let transactions, _): batch.add(transactions)
          case .totals: break
          }
        }
        if let input, input.isEmpty {
          try state.reader.finish()
          batch.isLast = true
        }
      }
    } catch {
      batch.failure = SyncError(error)
    }
    return batch
  }
}

extension InboundJournal.Batch {
  fileprivate mutating func add(_ more: [EncodedTransaction]) {
    transactions += more
    byteCount += more.reduce(0) { $0 + $1.bytes.count }
  }
}
