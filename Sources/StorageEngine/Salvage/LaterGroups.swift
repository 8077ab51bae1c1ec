// SPDX-License-Identifier: Apache-2.0

/// Groups of the log that lie behind the end that reading it came to, wherever in the file they are.
///
/// Nothing leads to them any more, and the file may also have groups that were never acknowledged: a
/// crash left them behind the end that the log had then, and their numbers were given once more. Whole
/// groups that follow on each other by number and checksum are a run, which counts if one of its
/// groups says that all before the run were flushed: then a restart would have found it.
struct LaterGroups {
  /// A whole group.
  struct Group {
    let number: UInt64
    /// Where its chunks begin, in order.
    let places: [UInt64]
  }

  /// What comes before a chunk, and its number.
  private struct Link: Hashable {
    let group: UInt64
    let chunk: Int
    let previousChecksum: UInt32
  }

  private struct Chunk {
    let place: UInt64
    let header: LogChunkHeader
    let checksum: UInt32

    var link: Link {
      Link(
        group: header.group, chunk: header.chunk, previousChecksum: header.previousChecksum)
    }

    /// The link of the chunk that follows.
    var next: Link {
      header.chunk + 1 < header.chunkCount
        ? Link(group: header.group, chunk: header.chunk + 1, previousChecksum: checksum)
        : Link(group: header.group &+ 1, chunk: 0, previousChecksum: checksum)
    }
  }

  private let storage: any Storage
  private let store: UInt64
  /// Of what follows on the same chunk one counts: a forged file may have many.
  private var chunks: [Link: Chunk] = [:]
  /// The last group that one of the chunks says was flushed.
  private(set) var claimedGroup: UInt64 = 0

  /// Looks for chunks of groups behind the last one that was read.
  init(
    in storage: any Storage, store: UInt64, behind last: UInt64, _ progress: () throws -> Void
  ) throws {
    self.storage = storage
    self.store = store
    let buffer = try AlignedBuffer(count: PageGeometry.extentBytes)
    // What an intact chunk covers is its content.
    var end: UInt64 = 0
    try storage.forEachWindow(progress) { window, start, length in
      for block in stride(from: 0, to: length, by: LogChunkHeader.blockBytes) {
        let magic = window.bytes(block + LogChunkHeader.Field.magic, 4).load(0, as: UInt32.self)
        let place = start + UInt64(block)
        guard magic == LogChunkHeader.magic, place >= end, let chunk = chunk(at: place, buffer)
        else { continue }
        end = place + UInt64(LogChunkHeader.paddedBytes(payload: chunk.header.payloadBytes))
        guard chunk.header.group > last else { continue }
        claimedGroup = max(claimedGroup, chunk.header.flushedGroup)
        chunks[chunk.link] = chunk
      }
    }
  }

  /// Reads a chunk into the beginning of `buffer`; `nil` where there is none that is intact.
  private func chunk(at place: UInt64, _ buffer: AlignedBuffer) -> Chunk? {
    func read(_ length: Int) -> Bool {
      (try? unsafe storage.read(into: buffer.buffer(0, length), at: place)) != nil
    }
    let inExtent = Int(place - UInt64(PageGeometry.prologueBytes)) % PageGeometry.extentBytes
    guard read(LogChunkHeader.blockBytes) else { return nil }
    let header = buffer.bytes(0, LogChunkHeader.bytes)
    let length = Int(header.load(LogChunkHeader.Field.payloadBytes, as: UInt32.self))
    guard length <= PageGeometry.extentBytes - inExtent - LogChunkHeader.bytes else { return nil }
    let padded = LogChunkHeader.paddedBytes(payload: length)
    guard padded == LogChunkHeader.blockBytes || read(padded) else { return nil }
    return LogChunkHeader.decode(buffer.bytes(0, padded), store: store)
      .map { Chunk(place: place, header: $0.header, checksum: $0.checksum) }
  }

  /// Appends the content of a group to `payload`; false where it cannot be read once more.
  func read(_ group: Group, into payload: LogBuffer) throws -> Bool {
    let buffer = try AlignedBuffer(count: PageGeometry.extentBytes)
    return group.places.allSatisfy { place in
      guard let chunk = chunk(at: place, buffer) else { return false }
      payload.append(buffer.bytes(LogChunkHeader.bytes, chunk.header.payloadBytes))
      return true
    }
  }

  // MARK: Runs

  /// The runs that count, in ascending order.
  func runs() -> [[Group]] {
    var previous: [Link: Link] = [:]
    for chunk in chunks.values { previous[chunk.next] = chunk.link }
    return chunks.values.filter { previous[$0.link] == nil }
      .compactMap { run(from: $0, previous) }
      .sorted { $0[0].number < $1[0].number }
  }

  /// The whole groups of the chunks that follow on one; `nil` where these do not count.
  private func run(from first: Chunk, _ previous: [Link: Link]) -> [Group]? {
    var groups: [Group] = []
    var claimed: UInt64 = 0
    var group: [Chunk] = []
    var next: Chunk? = first
    while let chunk = next {
      group.append(chunk)
      if chunk.next.chunk == 0 {
        if Self.isWhole(group) {
          groups.append(Group(number: chunk.header.group, places: group.map(\.place)))
          claimed = max(claimed, chunk.header.flushedGroup)
        } else if !groups.isEmpty {
          break
        }
        group = []
      }
      // Only one of those that lead to a chunk goes on with it.
      next = chunks[chunk.next].flatMap { previous[$0.link] == chunk.link ? $0 : nil }
      if let next, next.header.group < chunk.header.group { break }
    }
    guard let number = groups.first?.number, claimed >= number - 1 else { return nil }
    return groups
  }

  private static func isWhole(_ group: [Chunk]) -> Bool {
    group[0].header.chunk == 0 && group.allSatisfy { $0.header.chunkCount == group.count }
  }
}
