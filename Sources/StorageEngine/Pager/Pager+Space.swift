// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Growing the file, and giving retired pages back.
extension Pager {
  /// Extents by which the file grows at most at a time.
  static let maximumGrowth = 64

  /// Makes the file an eighth larger, by whole extents.
  ///
  /// The disk space is reserved, so that whatever is put there later cannot run out of it.
  func growFile() throws(EngineError) {
    let count = map.extentCount
    var step = max(1, min(count / 8, Self.maximumGrowth))
    while true {
      do {
        try resize(toExtents: count + step)
        return
      } catch {
        guard error == .outOfSpace, step > 1 else { throw error }
        step = 1
      }
    }
  }

  func resize(toExtents count: Int) throws(EngineError) {
    guard count * geometry.pagesPerExtent <= PageTable.maximumPages else { throw .outOfSpace }
    if count > fileExtents {
      do {
        try storage.resize(to: geometry.offset(ofExtent: count))
      } catch {
        throw error.kind == .outOfSpace ? .outOfSpace : .storage(error)
      }
      fileExtents = count
    }
    map.grow(toExtents: count)
  }

  /// Makes sure that `needed` pages can be handed out without growing the file.
  func ensure(pages needed: Int) throws(EngineError) {
    while !canTake(pages: needed) { try growFile() }
  }

  /// Whether so many pages can be handed out without growing the file.
  func canTake(pages needed: Int) -> Bool {
    map.freePages + map.freeExtents * geometry.pagesPerExtent >= needed
  }

  /// Gives back what no snapshot and no superblock can reach.
  ///
  /// `durable` is the last state known to be flushed: a failed disk brings it back, and after a crash
  /// the log may refer to what it was made of. `published` is what readers are given now.
  func reclaim(durable: UInt64, published: UInt64) {
    if retired.isEmpty && pending.isEmpty && heldBySnapshots.isEmpty && heldByNamed.isEmpty {
      return
    }
    let views = snapshots.current()
    defer { forgetUnshown() }
    for page in retired {
      // What came and went between two flushes waits for none.
      if page.birth > durable && page.death <= published {
        settle(page, views.lsns, views.named)
      } else {
        pending.append(page)
      }
    }
    retired.removeAll(keepingCapacity: true)
    if views.namedGeneration != seenNamedGeneration {
      seenNamedGeneration = views.namedGeneration
      let held = heldByNamed
      heldByNamed = []
      for page in held { settle(page, views.lsns, views.named) }
    }
    if views.generation != seenSnapshotGeneration {
      seenSnapshotGeneration = views.generation
      for lsn in heldBySnapshots.keys.filter({ !views.shows($0) }) {
        for page in heldBySnapshots.removeValue(forKey: lsn) ?? [] {
          settle(page, views.lsns, views.named)
        }
      }
    }
    guard let first = pending.first, first.death <= durable else { return }
    let ready = pending.firstIndex { $0.death > durable } ?? pending.count
    for page in pending[..<ready] { settle(page, views.lsns, views.named) }
    pending.removeFirst(ready)
  }

  private func settle(_ page: RetiredPage, _ lsns: [UInt64], _ named: [NamedState]) {
    if page.isSeen(byNamed: named) {
      map.setKept(page.number, true)
      heldByNamed.append(page)
      return
    }
    var page = page
    if map.isKept(page.number) {
      // The superblocks have it marked for a snapshot that they know: used again, its content
      // would be missed by a recovery from them.
      map.setKept(page.number, false)
      page.keptUntil = openBirth
    }
    if let viewer = page.viewer(among: lsns) {
      heldBySnapshots[viewer, default: []].append(page)
      return
    }
    unshown.append(page.number)
    if checkpointLSNs.contains(where: page.isNeeded) {
      heldByCheckpoints.append(page)
    } else {
      map.release(page.number)
    }
  }

  /// Frees the memory of pages that no view shows: all at once, for each new epoch is a locked
  /// instruction.
  private func forgetUnshown() {
    if unshown.isEmpty { return }
    pool.lock.withLock { pool.forget(pages: unshown) }
    unshown.removeAll(keepingCapacity: true)
  }

  /// Marks what named snapshots see among the pages that were retired last, for a checkpoint that
  /// is about to write the map.
  func markKept() {
    let named = snapshots.current().named
    if named.isEmpty { return }
    for page in pending + retired where page.isSeen(byNamed: named) {
      map.setKept(page.number, true)
    }
  }

  /// Notes which checkpoints matter from now on, and gives back what none of them needs.
  func setCheckpoints(_ lsns: [UInt64]) {
    checkpointLSNs = lsns
    let held = heldByCheckpoints
    heldByCheckpoints = []
    for page in held {
      if lsns.contains(where: page.isNeeded) {
        heldByCheckpoints.append(page)
      } else {
        map.release(page.number)
      }
    }
  }

  /// Makes sure that the writer's next step finds frames.
  ///
  /// Called between operations, outside any epoch, so that frames in limbo can come free.
  func ensureFrames() throws(EngineError) {
    pool.lock.lock()
    defer { pool.lock.unlock() }
    while pool.freeCount < FramePool.writerReserve {
      pool.drainLimbo()
      if pool.freeCount >= FramePool.writerReserve { return }
      // Enough in limbo means that a reader inside an epoch holds it up, until it goes on.
      let isWaiting = pool.limboCount >= FramePool.writerReserve
      let evicted = isWaiting ? 0 : pool.evict(2 * FramePool.writerReserve)
      pool.drainLimbo()
      if pool.freeCount >= FramePool.writerReserve { return }
      let mustWrite = !isWaiting && evicted == 0 && pool.limboCount == 0
      pool.lock.unlock()
      defer { pool.lock.lock() }
      if mustWrite { try writeDirtyPages() } else { usleep(50) }
    }
  }
}
