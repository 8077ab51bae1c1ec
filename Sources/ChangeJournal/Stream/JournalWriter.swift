// SPDX-License-Identifier: Apache-2.0

internal import StorageEngine

/// Writes a journal stream: transactions in, frames out.
///
/// After each `append`, `flush` or `finish` take frames with `nextFrame()` until there is none;
/// then the writer holds at most one unfinished batch. Frames are to be sent or stored in the
/// order they come.
///
/// ```swift
/// var writer = try JournalWriter(JournalStreamHeader(storeID: id))
/// while let transaction = try cursor.next() {
///   try writer.append(transaction)
///   while let frame = try writer.nextFrame() { try output(frame) }
/// }
/// try writer.finish()
/// while let frame = try writer.nextFrame() { try output(frame) }
/// ```
public struct JournalWriter: Sendable {
  /// How a stream is written.
  public struct Options: Sendable {
    /// The zlib level: 1 (fast) to 9 (small), 0 for no compression.
    public var compressionLevel = 3
    /// Bytes at which a batch is closed, before compression; brought into 64 KiB to 1 MiB.
    public var batchBytes = 512 << 10

    /// The defaults.
    public init() {}
  }

  /// A frame that is planned but not made yet.
  private enum Pending {
    case frame(FrameType, payload: [UInt8], transactionCount: Int)
    case fragments(EncodedTransaction, next: Int)
    case totals
  }

  private let header: JournalStreamHeader
  private let level: Int
  private let batchBytes: Int
  private var pending: [Pending] = []
  private var batch: [UInt8] = []
  private var batchCount = 0
  private var tally = JournalTally()
  private var isFinished = false

  /// Begins a stream; its first frame is ready at once.
  ///
  /// - Throws: `.invalidTransaction` when `header.since` is beyond `JournalLimits`.
  public init(_ header: JournalStreamHeader, options: Options = Options()) throws(JournalError) {
    self.header = header
    level = min(max(options.compressionLevel, 0), 9)
    batchBytes = min(max(options.batchBytes, 64 << 10), FrameLayout.payloadBytes)
    tally.reached = header.since
    do {
      pending.append(.frame(.stream, payload: try header.encoded(), transactionCount: 0))
    } catch {
      throw .invalidTransaction(error)
    }
  }

  /// What has been written so far; after the last frame, what the totals frame says.
  public var totals: JournalTotals { tally.totals }

  /// Adds a transaction.
  ///
  /// - Throws: `.finished` after `finish()`.
  public mutating func append(_ transaction: EncodedTransaction) throws(JournalError) {
    guard !isFinished else { throw .finished }
    tally.include(transaction.dot)
    let length = BatchLayout.lengthBytes + transaction.bytes.count
    guard length <= FrameLayout.payloadBytes else {
      flush()
      pending.append(.fragments(transaction, next: 0))
      return
    }
    if batch.count + length > FrameLayout.payloadBytes { flush() }
    if batch.isEmpty { batch.reserveCapacity(batchBytes + batchBytes / 4) }
    batch.append(littleEndian: UInt32(transaction.bytes.count))
    batch += transaction.bytes
    batchCount += 1
    if batch.count >= batchBytes { flush() }
  }

  /// Closes the batch, so that everything appended can be taken as frames.
  public mutating func flush() {
    guard batchCount > 0 else { return }
    pending.append(.frame(.batch, payload: batch, transactionCount: batchCount))
    batch = []
    batchCount = 0
  }

  /// Closes the stream: the last frame that `nextFrame()` returns is that of the totals.
  ///
  /// - Throws: `.finished` when called twice.
  public mutating func finish() throws(JournalError) {
    guard !isFinished else { throw .finished }
    flush()
    pending.append(.totals)
    isFinished = true
  }

  /// Makes the next frame, or returns `nil` when none is ready.
  ///
  /// - Throws: `.invalidTransaction` when the stream has more origins than a vector may have.
  public mutating func nextFrame() throws(JournalError) -> [UInt8]? {
    guard let first = pending.first else { return nil }
    switch first {
    case .frame(let type, let payload, let count):
      pending.removeFirst()
      return frame(header(type, transactionCount: count), payload)
    case .fragments(let transaction, let index):
      return nextFragment(of: transaction, index)
    case .totals:
      do {
        let payload = try tally.totals.encoded()
        pending.removeFirst()
        return frame(header(.totals), payload)
      } catch {
        throw .invalidTransaction(error)
      }
    }
  }

  /// Makes the next fragment of a large transaction, or behind the last one its commit.
  private mutating func nextFragment(of transaction: EncodedTransaction, _ index: Int) -> [UInt8] {
    let start = index * FrameLayout.payloadBytes
    let isCommit = start >= transaction.bytes.count
    var header = header(isCommit ? .commit : .fragment, transactionCount: isCommit ? 1 : 0)
    header.fragment = UInt32(index)
    header.transactionLength = UInt64(transaction.bytes.count)
    guard !isCommit else {
      pending.removeFirst()
      return frame(header, transaction.hash.bytes)
    }
    let end = min(start + FrameLayout.payloadBytes, transaction.bytes.count)
    pending[0] = .fragments(transaction, next: index + 1)
    return frame(header, Array(transaction.bytes[start..<end]))
  }

  private func header(_ type: FrameType, transactionCount: Int = 0) -> FrameHeader {
    FrameHeader(
      type: type, number: tally.frameCount, transactionCount: UInt32(transactionCount),
      store: header.storeID.high)
  }

  /// Compresses the payload where that helps, completes the header, and counts the frame.
  private mutating func frame(_ header: FrameHeader, _ payload: [UInt8]) -> [UInt8] {
    var header = header
    header.plainLength = UInt32(payload.count)
    var stored = payload
    let isCompressible = header.type == .batch || header.type == .fragment
    if isCompressible, level > 0, let shorter = ZlibCodec.compress(payload, level: level) {
      header.codec = .zlib
      stored = shorter
    }
    header.storedLength = UInt32(stored.count)
    header.payloadChecksum = Checksum.crc32c(of: stored[...])
    let bytes = header.bytes
    tally.count(header, headerBytes: bytes[...], payload: stored[...])
    return bytes + stored
  }
}
