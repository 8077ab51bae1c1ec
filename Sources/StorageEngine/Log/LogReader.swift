// SPDX-License-Identifier: Apache-2.0

/// Reads the log from a checkpoint on, group by group, up to the torn tail.
///
/// Every chunk says up to which group the log was known to be flushed when it was written. A group
/// that cannot be read is a torn tail only as long as nothing later claims that it was flushed;
/// otherwise it is damage, and is reported rather than cut off.
struct LogReader {
  /// Bytes that are looked through at a time behind the end.
  private static let scannedBytes = 64 << 10

  let pager: Pager
  let store: UInt64
  /// The group before which the log is known to end, from an earlier reading.
  private let end: UInt64?
  /// Whether a log that goes on behind the end of the file is damage, and not a torn tail.
  private let mustBeInFile: Bool
  private let buffer: AlignedBuffer
  /// The highest group that anything read so far says was flushed.
  private(set) var claimedGroup: UInt64
  private(set) var position: LogPosition
  private(set) var chain: [Int]

  init(
    pager: Pager, store: UInt64, from position: LogPosition, claimedGroup: UInt64,
    end: UInt64? = nil, mustBeInFile: Bool = false
  ) throws(EngineError) {
    self.pager = pager
    self.store = store
    self.end = end
    self.mustBeInFile = mustBeInFile
    self.position = position
    self.claimedGroup = claimedGroup
    chain = [position.extent]
    buffer = try AlignedBuffer(count: PageGeometry.extentBytes)
  }

  /// Appends the next whole group to `payload` and moves on; false at the end of the log.
  mutating func next(into payload: LogBuffer) throws(EngineError) -> Bool {
    if position.nextGroup == end { return false }
    let start = position
    let startChain = chain
    var chunk = 0
    while true {
      guard let header = try readChunk(chunk) else {
        position = start
        chain = startChain
        payload.removeAll()
        try checkTail()
        return false
      }
      payload.append(buffer.bytes(LogChunkHeader.bytes, header.payloadBytes))
      chunk += 1
      if chunk == header.chunkCount {
        claimedGroup = max(claimedGroup, header.flushedGroup)
        position.nextGroup += 1
        return true
      }
    }
  }

  /// Reads the chunk at the present place if it is the one expected there.
  private mutating func readChunk(_ chunk: Int) throws(EngineError) -> LogChunkHeader? {
    if position.offset == PageGeometry.extentBytes {
      guard position.nextExtent < pager.map.extentCount else {
        if mustBeInFile { throw endOfFile(pager.geometry.offset(ofExtent: position.nextExtent)) }
        return nil
      }
      if chain.contains(position.nextExtent) { return nil }
      position.extent = position.nextExtent
      position.offset = 0
      chain.append(position.extent)
    }
    guard
      let (header, checksum) = try readChunk(extent: position.extent, offset: position.offset),
      header.group == position.nextGroup, header.chunk == chunk, header.chunkCount > chunk,
      header.previousChecksum == position.previousChecksum
    else { return nil }
    position.offset += LogChunkHeader.paddedBytes(payload: header.payloadBytes)
    position.nextExtent = header.nextExtent
    position.previousChecksum = checksum
    return header
  }

  private func readChunk(
    extent: Int, offset: Int
  ) throws(EngineError) -> (header: LogChunkHeader, checksum: UInt32)? {
    let start = pager.geometry.offset(ofExtent: extent) + UInt64(offset)
    try read(LogChunkHeader.blockBytes, at: start)
    let length = Int(
      buffer.bytes(0, LogChunkHeader.bytes).load(
        LogChunkHeader.Field.payloadBytes, as: UInt32.self))
    guard length <= PageGeometry.extentBytes - offset - LogChunkHeader.bytes else { return nil }
    let padded = LogChunkHeader.paddedBytes(payload: length)
    if padded > LogChunkHeader.blockBytes { try read(padded, at: start) }
    return LogChunkHeader.decode(buffer.bytes(0, padded), store: store)
  }

  private func read(_ length: Int, at offset: UInt64) throws(EngineError) {
    do {
      try unsafe pager.storage.read(into: buffer.buffer(0, length), at: offset)
    } catch {
      throw error.kind == .unexpectedEnd ? endOfFile(offset) : .storage(error)
    }
  }

  private func endOfFile(_ offset: UInt64) -> EngineError {
    .corrupt(
      Damage(
        file: pager.storage.name, offset: offset, structure: "log",
        problem: "the file ends inside it"))
  }

  /// Looks behind the end for a claim that the missing group was flushed.
  private mutating func checkTail() throws(EngineError) {
    let missing = position.nextGroup
    if claimedGroup < missing { claimedGroup = max(claimedGroup, try laterClaim(missing)) }
    guard claimedGroup >= missing else { return }
    throw .corrupt(
      Damage(
        file: pager.storage.name,
        offset: pager.geometry.offset(ofExtent: position.extent) + UInt64(position.offset),
        structure: "log group \(missing)",
        problem: "cannot be read, although what was written later says that it was flushed"))
  }

  private func laterClaim(_ missing: UInt64) throws(EngineError) -> UInt64 {
    var extent = position.extent
    var offset = position.offset
    var next = position.nextExtent
    var visited = Set(chain)
    var hasPieces = false
    while true {
      for place in try possibleChunks(extent: extent, from: offset) {
        guard let (header, _) = try readChunk(extent: extent, offset: place) else {
          // It may have been of the missing group, and have named the next extent.
          if place == 0 { hasPieces = true }
          continue
        }
        guard header.group >= missing else { continue }
        // What is left of the missing group itself leads on.
        if header.group == missing {
          hasPieces = true
        } else if header.flushedGroup >= missing {
          return header.flushedGroup
        }
        next = header.nextExtent
      }
      guard next < pager.map.extentCount, visited.insert(next).inserted else { break }
      extent = next
      offset = 0
      // Without a chunk that names it, the extent behind is not known.
      next = Int.max
    }
    return hasPieces ? try claimAnywhere(missing, besides: visited) : 0
  }

  /// Looks for a claim in all extents that may be of the log: a chunk that fills its extent takes the
  /// name of the next one with it when it is damaged.
  ///
  /// What an intact chunk claims was so, wherever it lies.
  private func claimAnywhere(
    _ missing: UInt64, besides visited: Set<Int>
  ) throws(EngineError) -> UInt64 {
    for extent in 0..<pager.map.extentCount
    where pager.map.owners[extent] != .pages && !visited.contains(extent) {
      // The first chunk of an extent is at its beginning. Behind an older one all are older, but not
      // behind one that is damaged.
      let first = try readChunk(extent: extent, offset: 0)
      guard first.map({ $0.header.group >= missing }) ?? beginsLikeChunk(0) else { continue }
      for place in try possibleChunks(extent: extent, from: 0) {
        guard let (header, _) = try readChunk(extent: extent, offset: place),
          header.group > missing, header.flushedGroup >= missing
        else { continue }
        return header.flushedGroup
      }
    }
    return 0
  }

  /// The offsets of the blocks of an extent that begin like a chunk.
  private func possibleChunks(
    extent: Int, from start: Int
  ) throws(EngineError) -> [Int] {
    var found: [Int] = []
    for piece in stride(from: start, to: PageGeometry.extentBytes, by: Self.scannedBytes) {
      let length = min(Self.scannedBytes, PageGeometry.extentBytes - piece)
      try read(length, at: pager.geometry.offset(ofExtent: extent) + UInt64(piece))
      for block in stride(from: 0, to: length, by: LogChunkHeader.blockBytes) {
        if beginsLikeChunk(block) { found.append(piece + block) }
      }
    }
    return found
  }

  /// Whether what was read last has the beginning of a chunk at a place.
  private func beginsLikeChunk(_ place: Int) -> Bool {
    buffer.bytes(place + LogChunkHeader.Field.magic, 4).load(0, as: UInt32.self)
      == LogChunkHeader.magic
  }
}
