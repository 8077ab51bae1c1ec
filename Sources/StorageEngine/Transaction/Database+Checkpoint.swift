// SPDX-License-Identifier: Apache-2.0

/// Folding the log into the pages, beside readers and writers.
///
/// Invariants:
/// - everything a superblock refers to is flushed before the superblock is written;
/// - nothing that either superblock refers to is overwritten: what this checkpoint frees is used
///   again only when the next one is durable, and log extents likewise.
extension Database {
  /// Folds the log into the pages now.
  ///
  /// - Throws: `.closed`; `.outOfSpace` when there is no room for it, with nothing changed; `.storage`
  ///   when the disk fails, which poisons the database; `.poisoned` after an earlier failure, or when
  ///   the log cannot be flushed.
  public func checkpoint() throws(EngineError) {
    try checkpointLock.withLock { () throws(EngineError) in try runCheckpoint() }
  }

  /// Writes a checkpoint if anything changed.
  ///
  /// Both superblocks end up the same where that is asked for, so that damage to either is harmless
  /// and the log's end is known; the log is cleared as far as an opening takes it for written.
  func runCheckpoint(bothSuperblocks: Bool = false) throws(EngineError) {
    try checkWritable()
    if bothSuperblocks { try clearLogForNextOpening() }
    try foldResidents()
    if let plan = try capture() {
      do {
        try carryOut(plan)
      } catch {
        throw poison(error)
      }
    }
    guard bothSuperblocks, state.previousLSN != state.superblock.lsn else { return }
    do {
      try writeSuperblock(state.superblock)
      state.previousLSN = state.superblock.lsn
      state.previousExtentCount = state.superblock.extentCount
    } catch {
      throw poison(.storage(error))
    }
    truncateFile()
  }

  /// Folds the log into the pages and gives back all of it that is not needed any more; returns how
  /// many extents.
  ///
  /// No commit may come meanwhile. With both superblocks the same, nothing before the end of the last
  /// one is needed.
  @discardableResult
  func giveUpLog() throws(EngineError) -> Int {
    try checkpointLock.withLock { () throws(EngineError) in
      try runCheckpoint(bothSuperblocks: true)
      state.previousLogExtent = state.superblock.log.extent
      return pager.structureLock.withLock {
        let before = pager.map.freeExtents
        pager.setCheckpoints([state.superblock.lsn])
        state.log.release(before: state.previousLogExtent, keeping: 0, map: &pager.map)
        state.log.giveBack(
          from: 0, keeping: state.open.count, sparing: LogSpace.leastSpare, map: &pager.map)
        return pager.map.freeExtents - before
      }
    }
  }

  /// The next opening takes this and the next extent of the log for written.
  private func clearLogForNextOpening() throws(EngineError) {
    do throws(EngineError) {
      try pager.structureLock.withLock { () throws(EngineError) in
        try state.log.clearUnwritten(1, pager)
      }
    } catch {
      // If they are not, its commits are slower.
      if error != .outOfSpace { throw poison(error) }
    }
  }

  /// Takes the present state; `nil` when it is on disk already.
  private func capture() throws(EngineError) -> CheckpointPlan? {
    let plan = try pager.structureLock.withLock { () throws(EngineError) -> CheckpointPlan? in
      guard state.working.lsn != state.superblock.lsn else { return nil }
      reclaimPages()
      try foldRest()
      seal()
      guard let group = state.sealed.last else { return nil }
      let planner = CheckpointPlanner(
        pager: pager, persisted: state.persisted, previousLSN: state.superblock.lsn)
      let plan = try makePlan(planner, group)
      let registry = pager.snapshots
      registry.lock.withLock { registry.open(plan.lsn) }
      pager.checkpointLSNs.append(plan.lsn)
      state.loggedBytes = 0
      return plan
    }
    guard let plan else { return nil }
    // The group may have been written meanwhile; leading once more makes sure of it.
    do {
      try queue.leadNext(lead)
    } catch {
      pager.snapshots.close(plan.lsn)
      throw error
    }
    return plan
  }

  /// Makes a plan; where that fails nothing was written, so all is as before, and only a disk that
  /// failed ends the writing.
  private func makePlan(
    _ planner: CheckpointPlanner, _ group: CommitGroup
  ) throws(EngineError) -> CheckpointPlan {
    do {
      return try planner.plan(group)
    } catch {
      throw poisonIfBroken(error)
    }
  }

  private func carryOut(_ plan: CheckpointPlan) throws(EngineError) {
    defer { pager.snapshots.close(plan.lsn) }
    let staging = try AlignedBuffer(count: PageGeometry.extentBytes)
    for rank in plan.ranks { try pager.writeBack(rank, staging: staging) }
    let catalog = try writeCatalog(plan, staging)
    var persisted = state.persisted
    let map = try writeMap(plan, staging, &persisted)
    let flushedGroup = plan.group.end.nextGroup - 1
    var log = plan.group.end
    log.previousChecksum = plan.group.lastChecksum
    let superblock = Superblock(
      identity: identity, sequence: state.superblock.sequence,
      pageBytes: pager.pageBytes, lsn: plan.lsn, nextTree: plan.group.state.nextTree,
      catalog: catalog, map: map, extentCount: plan.extentCount, log: log,
      flushedGroup: flushedGroup)
    do {
      try pager.storage.flush()
      let old = state.superblock
      try writeSuperblock(superblock)
      state.previousLSN = old.lsn
      state.previousLogExtent = old.log.extent
      state.previousExtentCount = old.extentCount
    } catch {
      throw .storage(error)
    }
    state.persisted = persisted
    finish(plan)
  }

  /// Writes a superblock over the older of both, and flushes it.
  private func writeSuperblock(_ superblock: Superblock) throws(StorageError) {
    var superblock = superblock
    superblock.sequence = state.superblock.sequence + 1
    guard let buffer = try? AlignedBuffer(count: Superblock.bytes) else {
      throw StorageError(operation: .write, kind: .outOfSpace, name: pager.storage.name)
    }
    try pager.storage.write(superblock, using: buffer)
    try pager.storage.flush()
    state.superblock = superblock
  }

  /// Gives back what only the checkpoint before the last needed.
  private func finish(_ plan: CheckpointPlan) {
    pager.structureLock.withLock {
      pager.setCheckpoints([state.previousLSN, plan.lsn])
      let kept = configuration.checkpointBytes / PageGeometry.extentBytes
      state.log.release(before: state.previousLogExtent, keeping: kept, map: &pager.map)
    }
    truncateFile()
  }

  /// Cuts off the end of the file that neither superblock has any more.
  private func truncateFile() {
    pager.structureLock.withLock {
      let needed = max(
        state.superblock.extentCount, state.previousExtentCount, pager.map.extentCount)
      guard needed < pager.fileExtents else { return }
      // A file that stays longer than it need be harms nobody.
      guard (try? pager.storage.resize(to: pager.geometry.offset(ofExtent: needed))) != nil
      else { return }
      pager.fileExtents = needed
    }
  }

  private func writeCatalog(
    _ plan: CheckpointPlan, _ staging: AlignedBuffer
  ) throws(EngineError) -> PageReference {
    let set = withChecksums(plan.group.state)
    let payloads = Catalog.encode(set, limit: pager.geometry.valueBytesPerPage)
    return try writeChain(.catalog, plan.catalogPages, payloads, birth: plan.lsn, staging)
  }

  /// A state whose pages were written, with the checksums of the roots as they are on disk.
  func withChecksums(_ state: TreeSet) -> TreeSet {
    var set = state
    for tree in set.trees where tree.height > 0 {
      var tree = tree
      if let checksum = pager.pool.table[tree.root.number].checksum {
        tree.root.checksum = checksum
      }
      set.update(tree)
    }
    return set
  }

  private func writeMap(
    _ plan: CheckpointPlan, _ staging: AlignedBuffer, _ persisted: inout PersistedMap
  ) throws(EngineError) -> PageReference {
    for (index, number, payload) in plan.mapPages {
      let reference = try pager.writeChained(
        .extentMap, number: number, birth: plan.lsn, payload: payload,
        next: PageReference(number: 0, checksum: 0), buffer: staging)
      while persisted.mapPages.count <= index {
        persisted.mapPages.append(PageReference(number: 0, checksum: 0))
        persisted.payloads.append([])
      }
      persisted.mapPages[index] = reference
      persisted.payloads[index] = payload
    }
    persisted.mapPages.removeLast(max(0, persisted.mapPages.count - plan.mapPageCount))
    persisted.payloads.removeLast(max(0, persisted.payloads.count - plan.mapPageCount))
    persisted.directoryPages = plan.directoryPages
    persisted.catalogPages = plan.catalogPages
    return try writeChain(
      .mapDirectory, plan.directoryPages,
      MapDirectory.encode(persisted.mapPages, limit: pager.geometry.valueBytesPerPage),
      birth: plan.lsn, staging)
  }

  /// Writes a chain of pages, the last first, because each names the next with its checksum.
  private func writeChain(
    _ kind: PageKind, _ numbers: [UInt64], _ payloads: [[UInt8]], birth: UInt64,
    _ staging: AlignedBuffer
  ) throws(EngineError) -> PageReference {
    var next = PageReference(number: 0, checksum: 0)
    for (number, payload) in zip(numbers, payloads).reversed() {
      next = try pager.writeChained(
        kind, number: number, birth: birth, payload: payload, next: next, buffer: staging)
    }
    return next
  }
}

/// The references to all pages of the extent map, as bytes.
enum MapDirectory {
  static func encode(_ pages: [PageReference], limit: Int) -> [[UInt8]] {
    let perPage = limit / PageLayout.referenceBytes
    return stride(from: 0, to: pages.count, by: perPage).map { start in
      var payload: [UInt8] = []
      for page in pages[start..<min(start + perPage, pages.count)] {
        payload.appendInteger(page.number)
        payload.appendInteger(page.checksum)
        payload.appendInteger(UInt32(0))
      }
      return payload
    }
  }

  static func decode(_ payload: Bytes) -> [PageReference] {
    (0..<payload.count / PageLayout.referenceBytes).map { position in
      let offset = position * PageLayout.referenceBytes
      return PageReference(
        number: payload.load(offset, as: UInt64.self),
        checksum: payload.load(offset + 8, as: UInt32.self))
    }
  }
}
