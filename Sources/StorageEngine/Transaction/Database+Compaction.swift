// SPDX-License-Identifier: Apache-2.0

/// What a compaction has done.
public struct CompactionReport: Sendable, Equatable {
  /// Bytes of the file before.
  public let bytesBefore: UInt64
  /// Bytes of the file after.
  public let bytesAfter: UInt64
  /// Leaves that were moved towards the beginning of the file, but not those that were only packed.
  public let leavesMoved: UInt64
}

/// Moving what is in use towards the beginning of the file, beside readers and writers, so that its
/// end can be cut off.
///
/// A leaf is moved by putting one of its entries once more, with the value it has: the copy on
/// write of a page takes the lowest free place. So moving is a commit like any other, that changes
/// nothing.
extension Database {
  private static let mostRounds = 16
  /// Rounds in a row without success after which there is none to come: what one round moves may
  /// stand in its own way, for its old places are free only afterwards.
  private static let mostVainRounds = 3
  private static let checkpointsPerRound = 4

  /// Packs leaves, moves everything in use together and cuts the file off behind it.
  ///
  /// Commits and reads go on meanwhile. What open snapshots see stays where it is. Takes a checkpoint at
  /// the beginning, one for each step that packs up to 256 leaves, and up to 64 more. Between two steps
  /// `shouldContinue` is asked; if it says no, the file is left as far as it is.
  ///
  /// - Throws: `.closed`; `.readOnly`; `.corrupt` for a damaged page; `.outOfSpace`; `.storage` when
  ///   the disk fails; `.poisoned` after an earlier failure, or when the log cannot be flushed. What
  ///   was moved by then stays moved.
  public func compact(
    while shouldContinue: () -> Bool = { true }
  ) throws(EngineError) -> CompactionReport {
    try checkChangeable()
    pager.structureLock.withLock { pager.keepsNoTail = true }
    defer { pager.structureLock.withLock { pager.keepsNoTail = false } }
    let before = try fileLength()
    try packLeaves(while: shouldContinue)
    var moved: UInt64 = 0
    var reached = (extents: Int.max, needed: Int.max)
    var vainRounds = 0
    for _ in 0..<Self.mostRounds {
      guard shouldContinue() else { break }
      let cut = pager.structureLock.withLock { compactedExtents }
      moved += try moveLeaves(above: cut, while: shouldContinue)
      try moveLog(above: cut)
      // What a page held is free when neither superblock has it, and cut off when neither has the
      // end of the file.
      for _ in 0..<Self.checkpointsPerRound {
        guard shouldContinue() else { break }
        try commitNothing()
        try checkpoint()
        // What was kept for a log that grows: it takes the place of pages, and is soon taken again.
        giveBackLog(from: 0, sparing: LogSpace.leastSpare)
      }
      let now = pager.structureLock.withLock {
        (extents: pager.map.extentCount, needed: compactedExtents)
      }
      // The log gives extents back with each round, so less may be needed than was thought.
      let isVain = now.extents >= reached.extents && now.needed >= reached.needed
      vainRounds = isVain ? vainRounds + 1 : 0
      if vainRounds == Self.mostVainRounds { break }
      reached = (min(now.extents, reached.extents), min(now.needed, reached.needed))
    }
    return CompactionReport(
      bytesBefore: before, bytesAfter: try fileLength(), leavesMoved: moved)
  }

  /// Extents that a compaction leaves; call under the structure lock.
  private var compactedExtents: Int {
    pager.neededExtents(spareDivisor: Pager.compactedSpareDivisor)
  }

  private func fileLength() throws(EngineError) -> UInt64 {
    do {
      return try pager.storage.length()
    } catch {
      throw .storage(error)
    }
  }

  /// Moves all leaves that lie at or above an extent, or below which something does.
  private func moveLeaves(
    above extent: Int, while shouldContinue: () -> Bool = { true }
  ) throws(EngineError) -> UInt64 {
    var moved: UInt64 = 0
    var position: LeafPosition? = LeafPosition()
    var mostLeaves = LeafFinder.mostLeaves
    while let start = position, shouldContinue() {
      do throws(EngineError) {
        let (next, count) = try moveStep(above: extent, from: start, mostLeaves)
        moved += count
        position = next
      } catch {
        // What is moved is there twice for a while, and in the log.
        guard case .outOfSpace = error, mostLeaves > 1 else { throw error }
        mostLeaves /= 8
        try writerLock.withLock { () throws(EngineError) in _ = try giveUpLog() }
      }
    }
    return moved
  }

  /// Moves some leaves; returns where to go on.
  ///
  /// No checkpoint comes between, so that nothing is folded into what was read.
  private func moveStep(
    above extent: Int, from start: LeafPosition, _ mostLeaves: UInt64
  ) throws(EngineError) -> (next: LeafPosition?, moved: UInt64) {
    try writerLock.withLock { () throws(EngineError) in
      try checkpointLock.withLock { () throws(EngineError) in
        try checkWritable()
        var finder = LeafFinder(
          pager: pager, firstPage: UInt64(extent * pager.geometry.pagesPerExtent),
          mostLeaves: mostLeaves)
        let next = try finder.collect(from: start, in: working)
        let moved = try moveResident(finder.found.filter { residents.has($0.tree.rawValue) })
        let others = finder.found.filter { !residents.has($0.tree.rawValue) }
        let leaves = min(finder.leaves, UInt64(moved + others.count))
        if others.isEmpty { return (next, leaves) }
        try commitSilently { moving throws(EngineError) in
          for entry in others { try moving.put(entry.value, forKey: entry.key, in: entry.tree) }
        }
        return (next, leaves)
      }
    }
  }

  /// Lets the log go on below an extent, by filling what lies above it.
  private func moveLog(above extent: Int) throws(EngineError) {
    for _ in 0..<2 * PageGeometry.extentBytes / LogChunkHeader.blockBytes {
      giveBackLog(from: extent)
      let isLow = pager.structureLock.withLock {
        state.log.current < extent && state.log.nextExtent < extent
      }
      if isLow { return }
      try settle(try commitNothing(), .synced)
    }
  }

  /// Commits a transaction without changes, so that there is something for a checkpoint to do.
  @discardableResult
  private func commitNothing() throws(EngineError) -> UInt64 {
    try writerLock.withLock { () throws(EngineError) in
      try makingRoom { () throws(EngineError) in try commitSilently { _ in } }
    }
  }

  /// Moves pages down if the file has become sparse, and asks for the checkpoints after which its
  /// end can be cut off.
  ///
  /// Called after each checkpoint that was scheduled.
  /// Returns whether another checkpoint is to follow.
  func shrinkIfSparse() -> Bool {
    let (isSparse, cut, due) = pager.structureLock.withLock {
      defer { state.shrinkingCheckpoints = max(0, state.shrinkingCheckpoints - 1) }
      return (pager.isSparse && !pager.isPinned, pager.neededExtents(), state.shrinkingCheckpoints)
    }
    if due > 0 {
      giveBackLog(from: cut)
      return (try? commitNothing()) != nil
    }
    guard isSparse, let moved = try? moveLeaves(above: cut) else { return false }
    let isShrinking = giveBackLog(from: cut) > 0 || moved > 0
    pager.structureLock.withLock {
      if isShrinking {
        state.shrinkingCheckpoints = Self.checkpointsPerRound
      } else {
        pager.notePinned()
      }
    }
    return isShrinking
  }

  @discardableResult
  private func giveBackLog(from extent: Int, sparing spare: Int = 0) -> Int {
    pager.structureLock.withLock {
      state.log.giveBack(
        from: extent, keeping: state.open.count, sparing: spare, map: &pager.map)
    }
  }
}

/// Where a walk over all leaves stands.
struct LeafPosition {
  /// The tree, or the next behind it.
  var tree: UInt32 = 0
  /// The key from which on leaves are to be visited.
  var key: [UInt8] = []
}

/// Finds leaves that lie beyond a page, or whose branches or values do, with an entry of each that
/// moves them when it is put again.
struct LeafFinder {
  struct Entry {
    let tree: TreeID
    let key: [UInt8]
    let value: [UInt8]
  }

  /// Leaves that are moved by one commit at most.
  static let mostLeaves: UInt64 = 512
  /// Bytes that come with a leaf, as far as the most leaves allow it.
  private static let bytesPerLeaf: UInt64 = 16 << 10
  /// Leaves that are looked at in one step, whatever is found: commits wait meanwhile.
  private static let mostVisited = 1024

  let pager: Pager
  let firstPage: UInt64
  private let mostLeaves: UInt64
  private let newestNamed: NamedState?
  private var bytes: UInt64 = 0
  private(set) var found: [Entry] = []
  private(set) var leaves: UInt64 = 0

  init(pager: Pager, firstPage: UInt64, mostLeaves: UInt64) {
    self.pager = pager
    self.firstPage = firstPage
    self.mostLeaves = mostLeaves
    newestNamed = pager.snapshots.namedStates.last
  }

  private var isEnough: Bool { leaves >= mostLeaves || bytes >= mostLeaves * Self.bytesPerLeaf }

  /// Walks on until enough was found for one commit, or looked at; returns where to go on, `nil` at
  /// the end.
  mutating func collect(
    from start: LeafPosition, in set: TreeSet
  ) throws(EngineError) -> LeafPosition? {
    var position = start
    var visited = 0
    for tree in set.trees where tree.id >= position.tree {
      if tree.id > position.tree { position = LeafPosition(tree: tree.id) }
      while tree.height > 0 {
        guard let next = try visitLeaf(of: tree, at: position.key) else { break }
        position.key = next
        visited += 1
        if isEnough || visited == Self.mostVisited { return position }
      }
    }
    return nil
  }

  /// Looks at what the leaf of a key holds from there on; returns where to go on, `nil` at the end of
  /// the last leaf.
  private mutating func visitLeaf(
    of tree: TreeDescriptor, at key: [UInt8]
  ) throws(EngineError) -> [UInt8]? {
    var upper: [UInt8]?
    var isBeyond = false
    var entries: [(key: [UInt8], form: ValueForm, stored: [UInt8])] = []
    try pager.withLeaf(
      of: tree,
      choosing: { branch in
        let slot = key.withBytes { branch.childSlot(for: $0) }
        if slot + 1 < branch.count { upper = branch.key(slot + 1) }
        if mayMove(branch) { isBeyond = true }
        return slot
      }
    ) { leaf in
      if mayMove(leaf) { isBeyond = true }
      let first = key.withBytes { leaf.lowerBound($0).index }
      for slot in first..<leaf.count where leaf.form(slot) != .inline || isBeyond && slot == first {
        entries.append((leaf.key(slot), leaf.form(slot), leaf.value(slot).array))
      }
    }
    if let upper, !key.lexicographicallyPrecedes(upper) {
      // In a forged tree it might go round for ever.
      throw pager.damage(tree.root.number, "is the root of a tree with fences out of order")
    }
    return try collect(entries, of: tree, isBeyond: isBeyond) ?? upper
  }

  /// Takes entries; returns the first key that is left because there are enough.
  private mutating func collect(
    _ entries: [(key: [UInt8], form: ValueForm, stored: [UInt8])], of tree: TreeDescriptor,
    isBeyond: Bool
  ) throws(EngineError) -> [UInt8]? {
    var isFound = false
    for entry in entries {
      if isFound && isEnough { return entry.key }
      var isMoved = try liesBeyond(entry.form, entry.stored)
      if isMoved { isMoved = try !isNamed(entry, in: tree.id) }
      // One entry is enough for the leaf itself; values are moved one by one.
      guard isMoved || isBeyond && !isFound else { continue }
      if !isFound { leaves += 1 }
      isFound = true
      let value = try pager.wholeValue(entry.form, entry.stored)
      bytes += UInt64(value.count)
      found.append(Entry(tree: TreeID(rawValue: tree.id), key: entry.key, value: value))
    }
    return nil
  }

  /// Whether a page lies beyond, and moving it would empty its place: what a named snapshot sees
  /// stays there in any case.
  private func mayMove(_ page: PageView) -> Bool {
    page.number >= firstPage && page.birth > newestNamed?.lsn ?? 0
  }

  /// Whether a named snapshot sees the value of an entry.
  private func isNamed(
    _ entry: (key: [UInt8], form: ValueForm, stored: [UInt8]), in tree: UInt32
  ) throws(EngineError) -> Bool {
    // One that older ones see, the newest sees too, as long as the value is in use.
    guard let newestNamed else { return false }
    return try entry.stored.withBytes { (stored) throws(EngineError) in
      try pager.shows(newestNamed.trees, stored, entry.form, forKey: entry.key, in: tree)
    }
  }

  private func liesBeyond(_ form: ValueForm, _ stored: [UInt8]) throws(EngineError) -> Bool {
    try stored.withBytes { (bytes) throws(EngineError) in
      switch form {
      case .inline: return false
      case .paged:
        return (0..<PagedValue.pageCount(bytes)).contains {
          PagedValue.reference(bytes, $0).number >= firstPage
        }
      case .runs:
        guard let value = DirectValue(bytes) else { return false }
        let (runs, lists) = try pager.runs(of: value)
        return runs.contains { $0.first >= firstPage } || lists.contains { $0 >= firstPage }
      }
    }
  }
}
