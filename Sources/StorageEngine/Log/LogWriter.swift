// SPDX-License-Identifier: Apache-2.0

/// A run of transactions that is written and flushed as one.
final class CommitGroup: @unchecked Sendable {
  /// The number in the log; meaningless when `payload` is empty.
  let number: UInt64
  /// The state after the last of its transactions.
  let state: TreeSet
  let payload: LogBuffer
  let placements: [LogPlacement]
  /// Whether pages that the payload names must be flushed before it is written.
  let flushesFirst: Bool
  /// Where the log goes on behind it, but for the checksum, which is known when it is written.
  let end: LogPosition
  /// The checksum of the last chunk written up to here.
  var lastChecksum: UInt32 = 0

  init(
    number: UInt64, state: TreeSet, payload: LogBuffer, placements: [LogPlacement],
    flushesFirst: Bool, end: LogPosition
  ) {
    self.number = number
    self.state = state
    self.payload = payload
    self.placements = placements
    self.flushesFirst = flushesFirst
    self.end = end
  }
}

/// Writes groups to their places.
///
/// Used by one thread at a time, the leader of the commit queue.
struct LogWriter {
  let pager: Pager
  let store: UInt64
  let salt: UInt32
  let staging: AlignedBuffer
  var previousChecksum: UInt32
  /// The last group written, and the last known to be flushed.
  var writtenGroup: UInt64
  var flushedGroup: UInt64
  /// The state after the last group written.
  var writtenState: TreeSet

  init(
    pager: Pager, store: UInt64, salt: UInt32, position: LogPosition, state: TreeSet
  ) throws(EngineError) {
    self.pager = pager
    self.store = store
    self.salt = salt
    previousChecksum = position.previousChecksum
    writtenGroup = position.nextGroup - 1
    flushedGroup = writtenGroup
    writtenState = state
    staging = try AlignedBuffer(count: PageGeometry.extentBytes)
  }

  /// Writes a group, durably if asked to.
  mutating func write(_ group: CommitGroup, durably: Bool) throws(StorageError) {
    if group.flushesFirst { try pager.storage.flush() }
    var offset = 0
    for (position, placement) in group.placements.enumerated() {
      let piece = group.payload.bytes.dropFirst(offset).prefix(placement.payloadBytes)
      let header = LogChunkHeader(
        group: group.number, flushedGroup: flushedGroup, payloadBytes: placement.payloadBytes,
        chunk: position, chunkCount: group.placements.count, previousChecksum: previousChecksum,
        nextExtent: placement.nextExtent, salt: salt, store: store)
      try write(header, piece, to: placement, durably)
      offset += placement.payloadBytes
    }
    group.lastChecksum = previousChecksum
  }

  private mutating func write(
    _ header: LogChunkHeader, _ piece: Bytes, to placement: LogPlacement, _ durably: Bool
  ) throws(StorageError) {
    let padded = LogChunkHeader.paddedBytes(payload: piece.count)
    staging.copy(piece, to: LogChunkHeader.bytes)
    let used = LogChunkHeader.bytes + piece.count
    staging.clear(used, padded - used)
    previousChecksum = header.encode(into: staging.page(at: 0))
    let bytes = unsafe UnsafeRawBufferPointer(staging.buffer(0, padded))
    let offset = pager.geometry.offset(ofExtent: placement.extent) + UInt64(placement.offset)
    if durably {
      try unsafe pager.storage.writeDurably(bytes, at: offset)
    } else {
      try unsafe pager.storage.write(bytes, at: offset)
    }
  }
}
