// SPDX-License-Identifier: Apache-2.0

/// A page that left the working state, and the states it was part of: `birth ..< death`, in LSNs.
struct RetiredPage {
  let number: UInt64
  let birth: UInt64
  let death: UInt64
  /// The first LSN of a named snapshot that can see it.
  ///
  /// Exact, where `birth` may be too low: what a named snapshot keeps is marked on disk, and must
  /// be found there.
  var namedBirth = UInt64.max
  /// The first checkpoint that does not keep it for a named snapshot any more.
  var keptUntil: UInt64 = 0

  /// Whether the superblock of a checkpoint needs it.
  func isNeeded(byCheckpoint lsn: UInt64) -> Bool {
    birth <= lsn && lsn < max(death, keptUntil)
  }

  /// The first of the ascending LSNs of open views that sees it.
  func viewer(among lsns: [UInt64]) -> UInt64? {
    let first = lsns.firstPosition(notBelow: birth)
    return first < lsns.count && lsns[first] < death ? lsns[first] : nil
  }

  /// Whether any of the named snapshots sees it.
  func isSeen(byNamed snapshots: [NamedState]) -> Bool {
    snapshots.contains { namedBirth <= $0.lsn && $0.lsn < death }
  }
}

extension [UInt64] {
  /// The position of the first of ascending numbers that is not below another.
  func firstPosition(notBelow number: UInt64) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if self[middle] < number { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

/// Pages by number: where they are in memory, where they are free on disk, and when one that was
/// replaced may be used again.
///
/// Page numbers are given out when a page is first written, and never again while any snapshot or
/// either superblock could reach the old content; so a number names one content at a time, and
/// published pages never change.
///
/// Everything that changes the map or the pages of the open group happens under `structureLock`.
final class Pager: @unchecked Sendable {
  let storage: any Storage
  let geometry: PageGeometry
  let pool: FramePool
  let snapshots = SnapshotRegistry()
  let structureLock = Lock()

  // Guarded by `structureLock`.
  @safe @exclusivity(unchecked) var map: ExtentMap
  /// How many extents the file has; the last may not be part of the map any more.
  @safe @exclusivity(unchecked) var fileExtents = 0
  /// Whether free extents at the end are given back to the last.
  @safe @exclusivity(unchecked) var keepsNoTail = false
  /// LSN of the first commit of the open group: pages born at it may be changed in place.
  @safe @exclusivity(unchecked) var openBirth: UInt64 = 1
  /// Room for the way of a `TreeWriter`, kept from one to the next.
  @safe @exclusivity(unchecked) var writerPath: [PathStep] = []
  /// LSNs of the checkpoints that a superblock, or a checkpoint under way, still needs.
  @safe @exclusivity(unchecked) var checkpointLSNs: [UInt64] = []
  /// Pages that were replaced since they were last looked at.
  @safe @exclusivity(unchecked) var retired: [RetiredPage] = []
  /// Pages that wait for a flush, in the order of their deaths.
  @safe @exclusivity(unchecked) var pending: [RetiredPage] = []
  /// Pages that no view shows any more and whose memory is to be freed, while `reclaim` runs.
  @safe @exclusivity(unchecked) var unshown: [UInt64] = []
  /// By the LSN of a view that sees them.
  @safe @exclusivity(unchecked) var heldBySnapshots: [UInt64: [RetiredPage]] = [:]
  @safe @exclusivity(unchecked) var heldByCheckpoints: [RetiredPage] = []
  /// Marked as kept; whatever opens and closes meanwhile, they need not be looked at.
  @safe @exclusivity(unchecked) var heldByNamed: [RetiredPage] = []
  @safe @exclusivity(unchecked) var seenSnapshotGeneration: UInt64 = 0
  @safe @exclusivity(unchecked) var seenNamedGeneration: UInt64 = 0
  /// What snapshots there were when pages were last looked for that could be moved down, and none was
  /// found.
  @safe @exclusivity(unchecked) var vainSearch: (namedGeneration: UInt64, oldestView: UInt64?)?
  /// What is written over extents of the log before their use; never anything but zeros.
  @safe @exclusivity(unchecked) var zeros: AlignedBuffer?
  /// How often dirty pages were written early, after which those of the open group may be evicted.
  @safe @exclusivity(unchecked) var earlyWrites: UInt64 = 0
  let scratch: AlignedBuffer
  let staging: AlignedBuffer

  init(storage: any Storage, geometry: PageGeometry, cacheBytes: Int) throws(EngineError) {
    self.storage = storage
    self.geometry = geometry
    pool = try FramePool(cacheBytes: cacheBytes, pageBytes: geometry.pageBytes)
    map = ExtentMap(geometry: geometry)
    scratch = try AlignedBuffer(count: geometry.pageBytes)
    staging = try AlignedBuffer(count: PageGeometry.extentBytes)
  }

  var pageBytes: Int { geometry.pageBytes }
  var scratchPage: PageView { scratch.page(at: 0) }

  /// A description of damage in a page of this file.
  func damage(_ number: UInt64, _ problem: String) -> EngineError {
    .corrupt(
      Damage(
        file: storage.name, offset: geometry.offset(ofPage: number), structure: "page \(number)",
        problem: problem))
  }
}

// MARK: - Reading

extension Pager {
  /// Finds a page for a reader inside an epoch.
  ///
  /// When the page has to be read and no frame is free, it is read into `fallback`, a buffer of
  /// the reader's own, whose content the next such read replaces.
  @inline(__always)
  func page(
    _ reference: PageReference, fallback: inout AlignedBuffer?
  ) throws(EngineError) -> PageView {
    guard reference.number < UInt64(PageTable.maximumPages) else {
      throw damage(reference.number, "does not exist")
    }
    if let frame = pool.table[reference.number].frame {
      pool.touch(frame)
      return pool.page(inFrame: frame)
    }
    return try load(reference, reserve: FramePool.writerReserve, fallback: &fallback)
  }

  /// Reads a page from the disk into a frame, or into `fallback` when there is none.
  @inline(never)
  func load(
    _ reference: PageReference, reserve: Int, fallback: inout AlignedBuffer?
  ) throws(EngineError) -> PageView {
    let number = reference.number
    let frame = pool.lock.withLock { pool.takeFrame(leaving: reserve) }
    guard let frame else {
      let buffer = try AlignedBuffer.reuse(&fallback, count: pageBytes)
      try unsafe readPage(reference, into: buffer.buffer(0, pageBytes))
      return buffer.page(at: 0)
    }
    do throws(EngineError) {
      let checksum = try unsafe readPage(reference, into: pool.frameBuffer(frame))
      return pool.lock.withLock {
        if let present = pool.table[number].frame {
          pool.giveBack(frame)
          return pool.page(inFrame: present)
        }
        pool.install(.clean(frame: frame, checksum: checksum), page: number, frame: frame)
        return pool.page(inFrame: frame)
      }
    } catch {
      pool.lock.withLock { pool.giveBack(frame) }
      throw error
    }
  }

  /// Reads and checks a page; returns its checksum.
  ///
  /// A checksum that is newer than the one in the reference counts instead, unless that is to be
  /// ignored.
  @discardableResult
  func readPage(
    _ reference: PageReference, into buffer: UnsafeMutableRawBufferPointer,
    ignoringNewer: Bool = false
  ) throws(EngineError) -> UInt32 {
    let number = reference.number
    guard number > 0, number < UInt64(PageTable.maximumPages), let base = buffer.baseAddress
    else { throw damage(number, "does not exist") }
    let newer = ignoringNewer ? nil : pool.table[number].checksum
    let expected = newer ?? reference.checksum
    do {
      try unsafe storage.read(into: buffer, at: geometry.offset(ofPage: number))
    } catch {
      if error.kind == .unexpectedEnd { throw damage(number, "lies beyond the end of the file") }
      throw .storage(error)
    }
    let page = unsafe PageView(base)
    let checksum = page.computeChecksum(pageBytes: pageBytes)
    guard checksum == page.load32(PageLayout.checksum) else {
      throw damage(number, "its checksum does not match its content")
    }
    guard checksum == expected else {
      throw damage(number, "is intact, but not the page its parent refers to")
    }
    if let problem = PageValidation.problem(page, number: number, pageBytes: pageBytes) {
      throw damage(number, problem)
    }
    return checksum
  }
}

// MARK: - Writing, under `structureLock`

extension Pager {
  /// Finds a page for the writer.
  func writerPage(_ reference: PageReference) throws(EngineError) -> PageView {
    var none: AlignedBuffer?
    guard reference.number < UInt64(PageTable.maximumPages) else {
      throw damage(reference.number, "does not exist")
    }
    if let frame = pool.table[reference.number].frame {
      pool.touch(frame)
      return pool.page(inFrame: frame)
    }
    let page = try load(reference, reserve: 0, fallback: &none)
    guard none == nil else { throw .invalidConfiguration("the cache is too small") }
    return page
  }

  /// Has a page that is in memory fetched into the processor's cache.
  func prefetch(_ reference: PageReference) {
    guard let frame = pool.table[reference.number].frame else { return }
    pool.page(inFrame: frame).prefetch(firstBytes: pageBytes)
  }

  /// Makes a new, empty page of the open group.
  func newPage(_ kind: PageKind, level: Int, tree: UInt32) throws(EngineError) -> PageView {
    let number = try takePageNumber()
    let frame = try takeWriterFrame(number)
    let page = pool.page(inFrame: frame)
    page.format(
      kind: kind, level: level, number: number, birth: openBirth, tree: tree, pageBytes: pageBytes)
    pool.lock.withLock { pool.install(.dirty(frame: frame), page: number, frame: frame) }
    return page
  }

  /// Returns a version of a page that the open group may change: the page itself if the group
  /// made it, else a copy that takes its place.
  func mutablePage(_ reference: PageReference) throws(EngineError) -> PageView {
    let page = try writerPage(reference)
    if page.birth == openBirth {
      if try markDirty(reference.number) { return page }
      return try mutablePage(reference)
    }
    let number = try takePageNumber()
    let frame = try takeWriterFrame(number)
    let copy = pool.page(inFrame: frame)
    copy.copyPage(from: page, pageBytes: pageBytes)
    copy.store64(number, PageLayout.number)
    copy.store64(openBirth, PageLayout.birth)
    pool.lock.withLock { pool.install(.dirty(frame: frame), page: number, frame: frame) }
    retire(reference.number, birth: page.birth)
    return copy
  }

  /// Whether a page that is in memory was made by the open group.
  func hasChanged(_ reference: PageReference) -> Bool {
    guard reference.number < UInt64(PageTable.maximumPages),
      let frame = pool.table[reference.number].frame
    else { return false }
    return pool.page(inFrame: frame).birth == openBirth
  }

  /// Marks a page of the open group dirty.
  ///
  /// False when it was evicted meanwhile.
  private func markDirty(_ number: UInt64) throws(EngineError) -> Bool {
    if pool.table[number].isDirty { return true }
    return pool.lock.withLock {
      guard let frame = pool.table[number].frame else { return false }
      pool.table[number] = .dirty(frame: frame)
      return true
    }
  }

  /// Takes the lowest free page, growing the file where there is none.
  func takePageNumber() throws(EngineError) -> UInt64 {
    while true {
      if let number = map.takePage() { return number }
      try growFile()
    }
  }

  private func takeWriterFrame(_ number: UInt64) throws(EngineError) -> Int {
    if let frame = pool.lock.withLock({ pool.takeFrame(leaving: 0) }) { return frame }
    map.release(number)
    throw .invalidConfiguration("the cache of \(pool.frameCount) pages is too small")
  }

  /// Takes a page out of the working state.
  ///
  /// The first named snapshot that sees it is told by its birth unless given.
  func retire(_ number: UInt64, birth: UInt64, namedBirth: UInt64? = nil) {
    if birth == openBirth {
      // No reader ever saw it.
      pool.lock.withLock { pool.forget(page: number) }
      map.release(number)
    } else {
      map.setDead(number, true)
      retired.append(
        RetiredPage(
          number: number, birth: birth, death: openBirth, namedBirth: namedBirth ?? birth))
    }
  }
}
