// SPDX-License-Identifier: Apache-2.0

/// The extents of the log: the one being filled, those ready behind it, and those that hold what
/// recovery may still need.
///
/// Guarded by the pager's structure lock.
///
/// Invariants:
/// - where a small group goes this process has written before, so that its commit changes none of
///   the file's metadata (a crash may leave up to two extents unwritten: decision 0015);
/// - the extent after the current one is always known, because every chunk names it;
/// - space for a transaction is taken before it is logged.
struct LogSpace {
  /// Extents kept ready for use beyond what a checkpoint interval needs.
  private static let spareExtents = 2
  /// Extents kept where there is hardly any room, so that what frees some can still be committed; a
  /// file of few extents is not made longer for it.
  static let leastSpare = 1
  private static let fewExtents = 8
  /// Payload from which on a group may go where nothing was written before.
  private static let largeGroup = 256 << 10

  /// Extents that hold groups, oldest first; the last is being filled.
  private(set) var chain: [Int]
  private(set) var offset: Int
  /// Empty, in the order of use.
  ///
  /// The first is the next.
  private(set) var ready: [Int]
  /// Released, and to be used again.
  private(set) var recycled: [Int] = []
  /// Those among `ready`, and the current one, that were not written since the file grew by them:
  /// they read as zeros, but a first write changes the file's metadata.
  private var unwritten: Set<Int> = []
  /// What the last `reserve` found ready, and what it took from `recycled`.
  private var readyBefore = 1
  private var reused: [Int] = []
  var nextGroup: UInt64
  /// Extents with old content that are free once the next checkpoint is durable.
  var released: [Int] = []

  init(position: LogPosition) {
    chain = [position.extent]
    offset = position.offset
    ready = [position.nextExtent]
    nextGroup = position.nextGroup
  }

  /// The extent being filled.
  var current: Int { chain[chain.count - 1] }

  var nextExtent: Int { ready[0] }

  /// Every extent the log owns.
  var allExtents: [Int] { chain + ready + recycled + released }

  /// Makes sure that `payload` bytes can be placed, in the worst case of padding.
  mutating func reserve(payload: Int, pager: Pager) throws(EngineError) {
    let needed = extentsNeeded(payload)
    readyBefore = ready.count
    reused.removeAll(keepingCapacity: true)
    while ready.count < needed, let extent = recycled.popLast() {
      ready.append(extent)
      reused.append(extent)
    }
    while ready.count < needed {
      let missing = needed - ready.count
      let spare = pager.map.freeExtents > missing + 1 ? Self.leastSpare : 0
      ready += try takeExtents(missing + spare, pager)
    }
    try takeSpare(beyond: needed, pager)
    if payload < Self.largeGroup { try clearUnwritten(needed - 1, pager) }
  }

  /// Has the log own more than it needs now, where pages have room all the same.
  private mutating func takeSpare(beyond needed: Int, _ pager: Pager) throws(EngineError) {
    guard pager.map.extentCount > Self.fewExtents,
      ready.count + recycled.count < needed + Self.leastSpare
    else { return }
    if pager.map.freeExtents < 2 {
      do throws(EngineError) {
        try pager.growFile()
      } catch {
        guard case .outOfSpace = error else { throw error }
        return
      }
    }
    ready += try takeExtents(Self.leastSpare, pager)
  }

  /// Gives back what the last `reserve` took.
  mutating func cancelReservation(map: inout ExtentMap) {
    for extent in ready[readyBefore...].reversed() {
      if reused.contains(extent) {
        recycled.append(extent)
      } else {
        map.setOwner(extent, .free)
        unwritten.remove(extent)
      }
    }
    ready.removeLast(ready.count - readyBefore)
  }

  /// Clears what is unwritten in the current extent and in the next `count` ones, durably.
  mutating func clearUnwritten(_ count: Int, _ pager: Pager) throws(EngineError) {
    if unwritten.isEmpty { return }
    if unwritten.contains(current) {
      try pager.clear(current..<current + 1, from: offset)
      unwritten.remove(current)
    }
    for extent in ready.prefix(count) where unwritten.contains(extent) {
      try pager.clear(extent..<extent + 1)
      unwritten.remove(extent)
    }
  }

  /// How many extents must be ready for a group of `payload` bytes, the one behind it included.
  private func extentsNeeded(_ payload: Int) -> Int {
    let perExtent = PageGeometry.extentBytes - LogChunkHeader.bytes
    let room = max(0, PageGeometry.extentBytes - offset - LogChunkHeader.bytes)
    return 1 + (payload > room ? (payload - room + perExtent - 1) / perExtent : 0)
  }

  /// Takes up to `wanted` extents that lie side by side out of the free space, and clears them
  /// unless they are new: nothing in the log may look like a group of it.
  private mutating func takeExtents(
    _ wanted: Int, _ pager: Pager
  ) throws(EngineError) -> Range<Int> {
    while true {
      let firstUnwritten = pager.map.firstUnwritten
      // Where nothing was written, one block is: the last.
      let isUnwritten = pager.map.lowestFree.map { $0 >= firstUnwritten } ?? false
      let most = isUnwritten ? wanted : min(wanted, Pager.clearedAtOnce)
      if let extents = pager.map.takeExtents(most, for: .log) {
        do {
          if extents.lowerBound >= firstUnwritten {
            try pager.makeReachable(extents)
            unwritten.formUnion(extents)
          } else {
            try pager.clear(extents)
          }
          return extents
        } catch {
          for extent in extents { pager.map.setOwner(extent, .free) }
          throw error
        }
      }
      try pager.growFile()
    }
  }

  /// Assigns places to a group of `payload` bytes, for which space was reserved.
  mutating func place(payload: Int) -> [LogPlacement] {
    var placements: [LogPlacement] = []
    var remaining = payload
    while remaining > 0 {
      if offset == PageGeometry.extentBytes { advance() }
      let room = PageGeometry.extentBytes - offset - LogChunkHeader.bytes
      let length = min(remaining, room)
      placements.append(
        LogPlacement(
          extent: chain[chain.count - 1], offset: offset, payloadBytes: length,
          nextExtent: nextExtent))
      offset += LogChunkHeader.paddedBytes(payload: length)
      remaining -= length
    }
    return placements
  }

  private mutating func advance() {
    unwritten.remove(current)
    chain.append(ready.removeFirst())
    offset = 0
  }

  /// Takes over what recovery found out.
  mutating func adopt(chain: [Int], position: LogPosition) {
    self.chain = chain
    offset = position.offset
    ready = [position.nextExtent]
    nextGroup = position.nextGroup
  }

  /// Where the log goes on, for a superblock.
  func position(previousChecksum: UInt32) -> LogPosition {
    LogPosition(
      extent: chain[chain.count - 1], offset: offset, nextExtent: nextExtent, nextGroup: nextGroup,
      previousChecksum: previousChecksum)
  }

  /// Gives back the empty extents from `first` on that no chunk names, but for those that were
  /// taken for an open group of `payload` bytes, and some more; returns how many.
  @discardableResult
  mutating func giveBack(
    from first: Int, keeping payload: Int, sparing spare: Int = 0, map: inout ExtentMap
  ) -> Int {
    let needed = extentsNeeded(payload) + spare
    let keptRecycled = Array(recycled.suffix(max(0, needed - ready.count)))
    let free = recycled.dropLast(keptRecycled.count)
    let unnamed = ready.dropFirst(needed).filter { $0 >= first } + free.filter { $0 >= first }
    ready = ready.prefix(needed) + ready.dropFirst(needed).filter { $0 < first }
    recycled = free.filter { $0 < first } + keptRecycled
    for extent in unnamed { map.setOwner(extent, .free) }
    unwritten.subtract(unnamed)
    return unnamed.count
  }

  /// Lets go of the extents before `extent`: neither superblock needs them any more.
  ///
  /// Enough to go on without clearing new ones are kept, the rest is given back to the file.
  mutating func release(before extent: Int, keeping kept: Int, map: inout ExtentMap) {
    var free = released
    released = []
    if let position = chain.firstIndex(of: extent) {
      free += chain[..<position]
      chain.removeFirst(position)
    }
    // The lowest are kept, and used first, so that the end of the file comes free.
    let all = (free + recycled).sorted()
    let room = max(0, kept + Self.spareExtents - ready.count)
    recycled = all.prefix(room).reversed()
    for extent in all.dropFirst(room) { map.setOwner(extent, .free) }
  }
}

extension Pager {
  /// Extents that are cleared by one call at most.
  static let clearedAtOnce = 4

  /// Writes zeros over extents, from `start` on in the first, durably: a commit must find nothing
  /// there to wait for.
  func clear(_ extents: Range<Int>, from start: Int = 0) throws(EngineError) {
    let length = extents.count * PageGeometry.extentBytes - start
    if length == 0 { return }
    let zeros = try zeros(length)
    do {
      try unsafe storage.writeDurably(
        UnsafeRawBufferPointer(zeros.buffer(0, length)),
        at: geometry.offset(ofExtent: extents.lowerBound) + UInt64(start))
    } catch {
      throw error.kind == .outOfSpace ? .outOfSpace : .storage(error)
    }
  }

  /// Makes the file, durably, so long that extents lie inside it: nothing flushes its growth before
  /// a group is written there, and recovery looks no further than the file's end.
  func makeReachable(_ extents: Range<Int>) throws(EngineError) {
    let last = extents.upperBound - 1
    try clear(last..<last + 1, from: PageGeometry.extentBytes - LogChunkHeader.blockBytes)
  }

  /// Zeros that are kept, because fresh memory costs page faults.
  private func zeros(_ length: Int) throws(EngineError) -> AlignedBuffer {
    if let zeros, zeros.count >= length { return zeros }
    let new = try AlignedBuffer(count: length)
    zeros = new
    return new
  }
}
