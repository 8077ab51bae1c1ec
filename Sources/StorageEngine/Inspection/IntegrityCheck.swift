// SPDX-License-Identifier: Apache-2.0

/// Walks a checkpoint on disk, past the cache: every page reached, checksummed, ordered between
/// its fences, and accounted for exactly once; those that named snapshots share, but once.
struct IntegrityCheck {
  let pager: Pager
  let superblock: Superblock
  var report = IntegrityReport()
  /// One bit a page, set when it is reached.
  private var reached: [UInt64]
  /// The faults, to tell those that several states share.
  private var noted: Set<String> = []
  /// Whether there is a tree of which something could not be read.
  private var hasDamagedTrees = false
  /// The entries of the named snapshots, as found in the tree that holds them.
  private var snapshots: [NamedState] = []

  static func run(_ pager: Pager, _ superblock: Superblock) throws(EngineError) -> IntegrityReport {
    var check = IntegrityCheck(pager: pager, superblock: superblock)
    try check.run()
    return check.report
  }

  private init(pager: Pager, superblock: Superblock) {
    self.pager = pager
    self.superblock = superblock
    reached = Array(
      repeating: 0, count: superblock.extentCount * max(1, pager.geometry.pagesPerExtent / 64))
  }

  private mutating func run() throws(EngineError) {
    var set = TreeSet()
    var map = ExtentMap(geometry: pager.geometry)
    map.grow(toExtents: superblock.extentCount)
    var isComplete = true
    isComplete = try note { (check) throws(EngineError) in
      for number in try ChainReader(pager: check.pager).read(
        check.superblock.catalog, .catalog, { Catalog.decode($0, into: &set) })
      { try check.reach(number) }
    }
    let isMapIntact = try note { (check) throws(EngineError) in
      let persisted = try MapLoader(pager: check.pager).load(check.superblock, into: &map)
      for number in persisted.directoryPages + persisted.mapPages.map(\.number) {
        try check.reach(number)
      }
    }
    let snapshotTree = set.tree(named: StoredName.snapshots)
    for tree in set.trees where tree.height > 0 {
      let isIntact = try note { (check) throws(EngineError) in
        var walk = TreeWalk(namesSnapshots: tree.id == snapshotTree)
        try check.walkNoting(tree.root, tree.height - 1, nil, nil, &walk)
        if !walk.isDamaged { try check.compare(tree, walk) }
      }
      isComplete = isIntact && isComplete
    }
    for snapshot in snapshots {
      for tree in snapshot.trees.trees where tree.height > 0 {
        let isIntact = try note { (check) throws(EngineError) in
          var walk = TreeWalk(isShared: true)
          try check.walkNoting(tree.root, tree.height - 1, nil, nil, &walk)
        }
        isComplete = isIntact && isComplete
      }
    }
    if isComplete && isMapIntact && !hasDamagedTrees { account(map) }
  }

  /// Runs a part of the check; damage ends the part, and is noted.
  private mutating func note(
    _ part: (inout IntegrityCheck) throws(EngineError) -> Void
  ) throws(EngineError) -> Bool {
    do throws(EngineError) {
      try part(&self)
      return true
    } catch {
      try note(error)
      return false
    }
  }

  /// Notes damage, once wherever several states share it; anything else is thrown.
  private mutating func note(_ error: EngineError) throws(EngineError) {
    guard case .corrupt(let damage) = error else { throw error }
    if noted.insert("\(damage)").inserted { report.faults.append(damage) }
  }

  /// Notes a page; false when it was reached before, which is only right for what several states
  /// may share.
  @discardableResult
  private mutating func reach(
    _ number: UInt64, isShared: Bool = false
  ) throws(EngineError) -> Bool {
    let perExtent = pager.geometry.pagesPerExtent
    guard number > 0, number < UInt64(superblock.extentCount * perExtent) else {
      throw pager.damage(number, "does not exist")
    }
    let word = Int(number) / perExtent * max(1, perExtent / 64) + Int(number) % perExtent / 64
    let bit = UInt64(1) << UInt64(Int(number) % perExtent % 64)
    guard reached[word] & bit == 0 else {
      if isShared { return false }
      throw pager.damage(number, "is part of two structures")
    }
    reached[word] |= bit
    report.pagesRead += 1
    return true
  }

  // MARK: Trees

  private struct TreeWalk {
    /// Whether the tree holds the named snapshots.
    var namesSnapshots = false
    /// Whether it is the tree of a named snapshot, which may share pages with others.
    var isShared = false
    /// Whether something below could not be read, so that the counts are too low.
    var isDamaged = false
    var entries: UInt64 = 0
    var leaves: UInt64 = 0
    var branches: UInt64 = 0
  }

  /// Walks what lies below a page; damage ends the walk there only, and is noted.
  private mutating func walkNoting(
    _ reference: PageReference, _ level: Int, _ lower: [UInt8]?, _ upper: [UInt8]?,
    _ walk: inout TreeWalk
  ) throws(EngineError) {
    do throws(EngineError) {
      try self.walk(reference, level, lower, upper, &walk)
    } catch {
      try note(error, in: &walk)
    }
  }

  private mutating func note(
    _ error: EngineError, in walk: inout TreeWalk
  ) throws(EngineError) {
    try note(error)
    walk.isDamaged = true
    hasDamagedTrees = true
  }

  private mutating func walk(
    _ reference: PageReference, _ level: Int, _ lower: [UInt8]?, _ upper: [UInt8]?,
    _ walk: inout TreeWalk
  ) throws(EngineError) {
    let isNew = try reach(reference.number, isShared: walk.isShared)
    let buffer = try AlignedBuffer(count: pager.pageBytes)
    try pager.readFromDisk(reference, into: buffer)
    let page = buffer.page(at: 0)
    try pager.checkLevel(page, level)
    // With the same checksum it is the same page, and all below it was walked.
    if !isNew { return }
    try checkOrder(page, lower, upper)
    if level == 0 {
      walk.leaves += 1
      walk.entries += UInt64(page.count)
      report.entries += UInt64(page.count)
      for index in 0..<page.count { try checkEntry(page, index, &walk) }
      return
    }
    walk.branches += 1
    for index in 0..<page.count {
      let low = index == 0 ? lower : page.key(index)
      let high = index + 1 < page.count ? page.key(index + 1) : upper
      try walkNoting(page.child(index), level - 1, low, high, &walk)
    }
  }

  /// Checks what an entry of a leaf leads to; damage there is noted.
  private mutating func checkEntry(
    _ page: PageView, _ index: Int, _ walk: inout TreeWalk
  ) throws(EngineError) {
    do throws(EngineError) {
      try checkValue(page, index, isShared: walk.isShared)
      if walk.namesSnapshots { try noteSnapshot(page, index) }
    } catch {
      try note(error, in: &walk)
    }
  }

  /// Keys ascend, lie between the fences, and their heads are right.
  private func checkOrder(
    _ page: PageView, _ lower: [UInt8]?, _ upper: [UInt8]?
  ) throws(EngineError) {
    var last: [UInt8]?
    for index in (page.isLeaf ? 0 : 1)..<max(page.isLeaf ? 0 : 1, page.count) {
      let key = page.key(index)
      guard page.head(index) == page.keySuffix(index).head else {
        throw pager.damage(page.number, "has a wrong head in slot \(index)")
      }
      if let last, !last.lexicographicallyPrecedes(key) {
        throw pager.damage(page.number, "has its keys out of order at slot \(index)")
      }
      if let lower, key.lexicographicallyPrecedes(lower) {
        throw pager.damage(page.number, "has a key below its lower fence in slot \(index)")
      }
      if let upper, !key.lexicographicallyPrecedes(upper) {
        throw pager.damage(page.number, "has a key beyond its upper fence in slot \(index)")
      }
      last = key
    }
  }

  private mutating func noteSnapshot(_ page: PageView, _ index: Int) throws(EngineError) {
    let name = page.key(index)
    let value = try pager.wholeValue(page.form(index), page.value(index).array)
    guard let entry = SnapshotEntry.decode(value, name: name) else {
      throw SnapshotEntries(pager: pager).damage(name)
    }
    snapshots.append(entry)
  }

  private mutating func checkValue(
    _ page: PageView, _ index: Int, isShared: Bool
  ) throws(EngineError) {
    let stored = page.value(index)
    switch page.form(index) {
    case .inline: return
    case .paged:
      let buffer = try AlignedBuffer(count: pager.pageBytes)
      var length = 0
      for position in 0..<PagedValue.pageCount(stored) {
        let reference = PagedValue.reference(stored, position)
        try reach(reference.number, isShared: isShared)
        try pager.readFromDisk(reference, into: buffer)
        guard buffer.page(at: 0).kind == PageKind.value.rawValue else {
          throw pager.damage(reference.number, "is not a piece of a value")
        }
        length += Int(buffer.page(at: 0).load32(PageLayout.payloadBytes))
      }
      guard length == PagedValue.length(stored) else {
        throw pager.damage(page.number, "has a value of the wrong length in slot \(index)")
      }
    case .runs:
      guard let value = DirectValue(stored) else {
        throw pager.damage(page.number, "lists no runs in slot \(index)")
      }
      let (runs, lists) = try pager.runs(of: value, ignoringNewer: true)
      for number in lists { try reach(number, isShared: isShared) }
      let buffer = try AlignedBuffer(count: PageGeometry.extentBytes)
      for run in runs {
        for number in run.first..<run.first + UInt64(run.count) {
          try reach(number, isShared: isShared)
        }
        _ = try pager.readRun(run, into: buffer)
      }
    }
  }

  private func compare(_ tree: TreeDescriptor, _ walk: TreeWalk) throws(EngineError) {
    guard walk.entries == tree.entries, walk.leaves == tree.leafPages,
      walk.branches == tree.branchPages
    else {
      throw pager.damage(
        tree.root.number,
        "is the root of \(walk.entries) entries in \(walk.leaves) leaves and \(walk.branches) "
          + "branches, not \(tree.entries) in \(tree.leafPages) and \(tree.branchPages)")
    }
  }

  // MARK: Space

  /// Every page marked as used was reached, and the other way round.
  private mutating func account(_ map: ExtentMap) {
    let words = map.reachable()
    for word in words.indices {
      let extent = word / map.wordsPerExtent
      // Page 0 is marked as used and belongs to nobody.
      let expected = map.owners[extent] == .pages ? words[word] & (word == 0 ? ~1 : .max) : 0
      var difference = expected ^ reached[word]
      while difference != 0 {
        let bit = difference.trailingZeroBitCount
        let number = UInt64(
          extent * map.pagesPerExtent + word % map.wordsPerExtent * 64 + bit)
        let problem =
          expected & (1 << UInt64(bit)) != 0
          ? "is marked as used, but not reached" : "is reached, but not marked as used"
        if case .corrupt(let damage) = pager.damage(number, problem) {
          report.faults.append(damage)
        }
        difference &= difference - 1
      }
    }
  }
}

extension Database {
  /// Walks every page on disk after a checkpoint: checksums, order, reachability, each page
  /// accounted for exactly once.
  ///
  /// Damage is reported, not thrown. After an earlier failure it looks at the last checkpoint.
  ///
  /// - Throws: `.closed`; `.outOfSpace` when there is no room for the checkpoint; `.storage` when the
  ///   disk fails; `.poisoned` when the log cannot be flushed.
  public func check() throws(EngineError) -> IntegrityReport {
    try checkOpen()
    return try checkpointLock.withLock { () throws(EngineError) in
      if queue.poison == nil { try runCheckpoint() }
      var report = try IntegrityCheck.run(pager, state.superblock)
      report.foundOneSuperblock = foundOneSuperblock
      return report
    }
  }
}
