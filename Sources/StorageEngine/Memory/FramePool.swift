// SPDX-License-Identifier: Apache-2.0

import CStorageSystem

/// The memory for pages: frames of anonymous memory, and who is in which.
///
/// Invariants:
/// - a frame is free, holds one page that the page table names, or waits in limbo;
/// - frames of clean pages may be evicted at any time by any thread; frames of dirty pages never;
/// - a frame leaves limbo when no thread is inside an epoch that began before it was evicted;
/// - lists and ownership change under `lock`; the content of a frame that readers can find never
///   changes.
final class FramePool: @unchecked Sendable {
  /// Frames readers leave for the writer, so that its next step always finds some.
  static let writerReserve = 64
  private static let evictionBatch = 64
  /// Frames added to the limbo after which it is looked through.
  private static let drainBatch = 32
  private static let noPage = UInt64.max

  let lock = Lock()
  let epochs = EpochTable()
  let table: PageTable
  let pageBytes: Int
  let frameCount: Int
  private let memory: AlignedBuffer
  private let referenced: AlignedBuffer
  @safe @exclusivity(unchecked) private var owners: [UInt64]
  @safe @exclusivity(unchecked) private var free: [UInt32]
  @safe @exclusivity(unchecked) private var limbo: [(epoch: UInt64, frame: UInt32)] = []
  @safe @exclusivity(unchecked) private var nextDrain = drainBatch
  @safe @exclusivity(unchecked) private var hand = 0

  /// Whether an entry of the page table can name every frame.
  static func canHave(cacheBytes: Int, pageBytes: Int) -> Bool {
    cacheBytes / pageBytes <= PageTableEntry.mostFrames
  }

  init(cacheBytes: Int, pageBytes: Int) throws(EngineError) {
    guard Self.canHave(cacheBytes: cacheBytes, pageBytes: pageBytes) else {
      throw .invalidConfiguration("the cache has fewer than 2^28 pages")
    }
    self.pageBytes = pageBytes
    frameCount = cacheBytes / pageBytes
    table = try PageTable()
    memory = try AlignedBuffer(
      count: frameCount * pageBytes, hugePages: cacheBytes >= 16 << 20)
    referenced = try AlignedBuffer(count: frameCount * 4)
    owners = [UInt64](repeating: Self.noPage, count: frameCount)
    free = (0..<UInt32(frameCount)).reversed()
  }

  @inline(__always)
  func page(inFrame frame: Int) -> PageView {
    memory.page(at: frame * pageBytes)
  }

  func frameBuffer(_ frame: Int) -> UnsafeMutableRawBufferPointer {
    unsafe memory.buffer(frame * pageBytes, pageBytes)
  }

  /// Remembers that a frame was used, for the clock.
  ///
  /// Writes only when it was not remembered yet.
  @inline(__always)
  func touch(_ frame: Int) {
    let flag = unsafe (referenced.base + frame * 4).assumingMemoryBound(to: UInt32.self)
    if unsafe storage_load_relaxed_u32(flag) == 0 { unsafe storage_store_release_u32(flag, 1) }
  }

  private func takeReferenced(_ frame: Int) -> Bool {
    let flag = unsafe (referenced.base + frame * 4).assumingMemoryBound(to: UInt32.self)
    guard unsafe storage_load_relaxed_u32(flag) != 0 else { return false }
    unsafe storage_store_release_u32(flag, 0)
    return true
  }

  /// Frames that are ready for use.
  ///
  /// Call under `lock`.
  var freeCount: Int { free.count }

  /// Takes a free frame for a page.
  ///
  /// Call under `lock`.
  func takeFrame(leaving reserve: Int) -> Int? {
    // Every commit copies pages and gives the old ones up. Their frames are still in the
    // processor's cache; one that was never used has to be cleared by the system first.
    if limbo.count >= nextDrain { drainLimbo() }
    if free.count <= max(reserve, Self.writerReserve) {
      drainLimbo()
      if free.count + limbo.count <= reserve + Self.evictionBatch { evict(Self.evictionBatch) }
      drainLimbo()
    }
    guard free.count > reserve, let frame = free.popLast() else { return nil }
    return Int(frame)
  }

  /// Gives a frame that nobody can find back.
  ///
  /// Call under `lock`.
  func giveBack(_ frame: Int) {
    owners[frame] = Self.noPage
    free.append(UInt32(frame))
  }

  /// Makes a frame the home of a page.
  ///
  /// Call under `lock`.
  func install(_ entry: PageTableEntry, page number: UInt64, frame: Int) {
    owners[frame] = number
    table[number] = entry
    touch(frame)
  }

  /// Frames that wait for readers to leave.
  ///
  /// Call under `lock`.
  var limboCount: Int { limbo.count }

  /// Forgets a page that nobody ever found.
  ///
  /// Call under `lock`.
  func forget(page number: UInt64) {
    let frame = table[number].frame
    table[number] = .absent
    if let frame { giveBack(frame) }
  }

  /// Forgets pages that nobody can find any more; a thread that found one before may still be inside an
  /// epoch.
  ///
  /// Call under `lock`.
  func forget(pages numbers: [UInt64]) {
    let first = limbo.count
    for number in numbers {
      let frame = table[number].frame
      table[number] = .absent
      guard let frame else { continue }
      owners[frame] = Self.noPage
      limbo.append((0, UInt32(frame)))
    }
    // The epoch in which they could still be found ends now.
    let epoch = epochs.advance()
    for index in first..<limbo.count { limbo[index].epoch = epoch }
  }

  /// Moves frames out of limbo.
  ///
  /// Call under `lock`.
  func drainLimbo() {
    guard !limbo.isEmpty else { return }
    let oldest = epochs.oldest()
    limbo.removeAll { item in
      guard item.epoch < oldest else { return false }
      free.append(item.frame)
      return true
    }
    nextDrain = limbo.count + Self.drainBatch
  }

  /// Evicts up to `wanted` clean pages into limbo; returns how many.
  ///
  /// Call under `lock`.
  @discardableResult
  func evict(_ wanted: Int) -> Int {
    var evicted: [UInt32] = []
    var steps = 0
    while evicted.count < wanted && steps < 2 * frameCount {
      steps += 1
      hand = hand + 1 < frameCount ? hand + 1 : 0
      let number = owners[hand]
      guard number != Self.noPage else { continue }
      let entry = table[number]
      guard !entry.isDirty, let checksum = entry.checksum, !takeReferenced(hand) else { continue }
      table[number] = .clean(frame: nil, checksum: checksum)
      owners[hand] = Self.noPage
      evicted.append(UInt32(hand))
    }
    guard !evicted.isEmpty else { return 0 }
    let epoch = epochs.advance()
    for frame in evicted { limbo.append((epoch, frame)) }
    return evicted.count
  }

  /// Page numbers of all dirty pages.
  ///
  /// Call under `lock`.
  func dirtyPages() -> [UInt64] {
    owners.filter { $0 != Self.noPage && table[$0].isDirty }
  }
}
