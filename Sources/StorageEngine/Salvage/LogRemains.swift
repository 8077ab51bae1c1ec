// SPDX-License-Identifier: Apache-2.0

/// What can be read of the log of a damaged store: the groups up to where it ends or is damaged, and
/// behind that place those that are found by looking through the file.
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
    var damaged: EngineError?
    while damaged == nil {
      do throws(EngineError) {
        guard try reader.next(into: payload) else { break }
      } catch {
        damaged = error
        continue
      }
      try progress()
      try body(.success(payload.bytes))
      payload.removeAll()
    }
    if let damaged { try body(.failure(damaged)) }
    // What is told is passed over; where the log only seems to end, nothing is told yet.
    let last = reader.position.nextGroup &- (damaged == nil ? 1 : 0)
    try forEachLaterGroup(behind: last, from: reader.position, reader.claimedGroup, body)
  }

  private func forEachLaterGroup(
    behind known: UInt64, from place: LogPosition, _ claimed: UInt64,
    _ body: (Result<Bytes, EngineError>) throws -> Void
  ) throws {
    let found = try LaterGroups(
      in: pager.storage, store: superblock.logMark, behind: known, progress)
    let payload = LogBuffer()
    var last = known
    // Two runs with the same numbers only a forged file has: of them one counts.
    for run in found.runs() where run[0].number > last {
      let before = run[0].number - 1
      if before > last { try body(.failure(missing(last + 1, before, place))) }
      for group in run {
        try progress()
        last = group.number
        payload.removeAll()
        let isRead = try found.read(group, into: payload)
        try body(isRead ? .success(payload.bytes) : .failure(missing(last, last, place)))
      }
    }
    let end = max(claimed, found.claimedGroup)
    if last < end { try body(.failure(missing(last + 1, end, place))) }
  }

  /// `place` is where nothing led on.
  private func missing(_ first: UInt64, _ last: UInt64, _ place: LogPosition) -> EngineError {
    .corrupt(
      Damage(
        file: pager.storage.name,
        offset: pager.geometry.offset(ofExtent: place.extent) + UInt64(place.offset),
        structure: first == last ? "log group \(first)" : "log groups \(first) to \(last)",
        problem: "cannot be found behind this place, although it was flushed, or later ones were"))
  }
}
