// SPDX-License-Identifier: Apache-2.0

/// Groups of the log that lie behind one that cannot be read, wherever in the file they are.
///
/// Nothing leads to them any more, and the file may also have groups that were never acknowledged: a
/// crash left them behind the end that the log had then, and their numbers were given once more. What
/// follows on the other by number and checksum is a run, and a run counts whole or not at all. It does
/// where its first group is known to have been flushed, so that its number was not given again; or
/// where one of the run says that all groups before it were, as then a restart would have found it.
struct LaterGroups {
  /// A whole group.
  struct Group {
    let number: UInt64
    /// Where its chunks begin, in order.
    fileprivate(set) var places: [UInt64]
    fileprivate let previousChecksum: UInt32
    fileprivate var checksum: UInt32
    /// The last group that is known to be flushed when this was written.
    fileprivate let flushedGroup: UInt64
  }

  /// What comes before a chunk, and its number.
  private struct Link: Hashable {
    let group: UInt64
    let chunk: Int
    let previousChecksum: UInt32

    init(_ group: UInt64, _ chunk: Int, after previousChecksum: UInt32) {
      self.group = group
      self.chunk = chunk
      self.previousChecksum = previousChecksum
    }
  }

  private struct Chunk {
    let place: UInt64
    let header: LogChunkHeader
    let checksum: UInt32
  }

  private var chunks: [Link: Chunk] = [:]
  /// The last group that one of the chunks says was flushed.
  private(set) var claimedGroup: UInt64 = 0

  init(
    in storage: any Storage, store: UInt64, behind damaged: UInt64,
    _ progress: () throws -> Void
  ) throws {
    let chunk = try AlignedBuffer(count: PageGeometry.extentBytes)
    var found: [Chunk] = []
    try IntactPages.forEachWindow(of: storage, progress) { window, start, length in
      for block in stride(from: 0, to: length, by: LogChunkHeader.blockBytes) {
        let magic = window.bytes(block + LogChunkHeader.Field.magic, 4).load(0, as: UInt32.self)
        let place = start + UInt64(block)
        guard magic == LogChunkHeader.magic,
          let (header, checksum) = Self.chunk(in: storage, at: place, chunk, store),
          header.group > damaged
        else { continue }
        found.append(Chunk(place: place, header: header, checksum: checksum))
      }
    }
    // A forged file may have many chunks that lead on to one: of those one counts.
    var leading: [Link: Chunk] = [:]
    for chunk in found {
      claimedGroup = max(claimedGroup, chunk.header.flushedGroup)
      leading[Link(chunk.header.group, chunk.header.chunk + 1, after: chunk.checksum)] = chunk
    }
    for chunk in leading.values {
      let header = chunk.header
      chunks[Link(header.group, header.chunk, after: header.previousChecksum)] = chunk
    }
  }

  /// Reads a chunk into the beginning of `buffer`; `nil` where there is none that is intact.
  static func chunk(
    in storage: any Storage, at place: UInt64, _ buffer: AlignedBuffer, _ store: UInt64
  ) -> (header: LogChunkHeader, checksum: UInt32)? {
    func read(_ length: Int) -> Bool {
      (try? unsafe storage.read(into: buffer.buffer(0, length), at: place)) != nil
    }
    let inExtent =
      Int(place - UInt64(PageGeometry.prologueBytes)) % PageGeometry.extentBytes
    guard read(LogChunkHeader.blockBytes) else { return nil }
    let header = buffer.bytes(0, LogChunkHeader.bytes)
    let length = Int(header.load(LogChunkHeader.Field.payloadBytes, as: UInt32.self))
    guard length <= PageGeometry.extentBytes - inExtent - LogChunkHeader.bytes else { return nil }
    let padded = LogChunkHeader.paddedBytes(payload: length)
    guard padded == LogChunkHeader.blockBytes || read(padded) else { return nil }
    return LogChunkHeader.decode(buffer.bytes(0, padded), store: store)
  }

  /// The runs that count, in ascending order; `claimed` is a group that was flushed for certain.
  func runs(claimed: UInt64) -> [[Group]] {
    var groups: [Link: Group] = [:]
    var followed: Set<Link> = []
    for group in chunks.values.compactMap(wholeGroup) {
      groups[Link(group.number, 0, after: group.previousChecksum)] = group
      followed.insert(Link(group.number &+ 1, 0, after: group.checksum))
    }
    let known = max(claimed, claimedGroup)
    return groups.filter { !followed.contains($0.key) }
      .map { Self.run(from: $0.value, groups) }
      .filter { run in
        let first = run[0].number
        return first <= known || run.contains { $0.flushedGroup >= first - 1 }
      }
      .sorted { $0[0].number < $1[0].number }
  }

  /// The group that begins with a chunk.
  private func wholeGroup(from first: Chunk) -> Group? {
    guard first.header.chunk == 0, first.header.chunkCount > 0 else { return nil }
    let header = first.header
    var group = Group(
      number: header.group, places: [first.place], previousChecksum: header.previousChecksum,
      checksum: first.checksum, flushedGroup: header.flushedGroup)
    for number in 1..<header.chunkCount {
      guard let next = chunks[Link(group.number, number, after: group.checksum)],
        next.header.chunkCount == header.chunkCount
      else { return nil }
      group.places.append(next.place)
      group.checksum = next.checksum
    }
    return group
  }

  private static func run(from first: Group, _ groups: [Link: Group]) -> [Group] {
    var run = [first]
    while let last = run.last,
      let next = groups[Link(last.number &+ 1, 0, after: last.checksum)],
      next.number > last.number
    {
      run.append(next)
    }
    return run
  }
}
