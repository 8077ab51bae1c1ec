// SPDX-License-Identifier: Apache-2.0

/// What can be read of the log of a damaged store: the groups up to the first damage, and behind it
/// those that are found by looking through the file.
struct LogRemains {
  let pager: Pager
  let superblock: Superblock
  /// The last group that is known to have been flushed.
  let flushedGroup: UInt64
  /// Called now and then; may throw to stop.
  let progress: () throws -> Void

  /// Passes on the groups in order, and what is wrong between them.
  func forEachGroup(_ body: (Result<Bytes, EngineError>) throws -> Void) throws {
    let payload = LogBuffer()
    var reader = try LogReader(
      pager: pager, store: superblock.logMark, from: superblock.log, claimedGroup: flushedGroup,
      mustBeInFile: true)
    while true {
      do throws(EngineError) {
        guard try reader.next(into: payload) else { return }
      } catch {
        try body(.failure(error))
        break
      }
      try progress()
      try body(.success(payload.bytes))
      payload.removeAll()
    }
    try forEachGroup(behind: reader.position.nextGroup, claimed: reader.claimedGroup, body)
  }

  private func forEachGroup(
    behind damaged: UInt64, claimed: UInt64, _ body: (Result<Bytes, EngineError>) throws -> Void
  ) throws {
    let found = try LaterGroups(
      in: pager.storage, store: superblock.logMark, behind: damaged, progress)
    let payload = LogBuffer()
    let buffer = try AlignedBuffer(count: PageGeometry.extentBytes)
    var last = damaged
    for run in found.runs(claimed: claimed) {
      let before = run[0].number - 1
      if before > last { try body(.failure(missing(last + 1, before))) }
      for group in run where group.number > last {
        try progress()
        last = group.number
        payload.removeAll()
        let isRead = group.places.allSatisfy { place in
          guard
            let chunk = LaterGroups.chunk(
              in: pager.storage, at: place, buffer, superblock.logMark)
          else { return false }
          payload.append(buffer.bytes(LogChunkHeader.bytes, chunk.header.payloadBytes))
          return true
        }
        try body(isRead ? .success(payload.bytes) : .failure(missing(last, last)))
      }
    }
    let end = max(claimed, found.claimedGroup)
    if last < end { try body(.failure(missing(last + 1, end))) }
  }

  private func missing(_ first: UInt64, _ last: UInt64) -> EngineError {
    .corrupt(
      Damage(
        file: pager.storage.name, offset: 0,
        structure: first == last ? "log group \(first)" : "log groups \(first) to \(last)",
        problem: "cannot be read, although it was flushed, or later ones were written"))
  }
}
