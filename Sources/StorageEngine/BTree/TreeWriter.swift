// SPDX-License-Identifier: Apache-2.0

/// One step of the way from the root to a leaf.
struct PathStep {
  var page: PageView
  /// The child taken, in a branch.
  var slot: Int
}

/// Changes one tree of the open group.
///
/// Only used under the structure lock.
///
/// Keys come in ascending order. The way to the last leaf is remembered: no descent is needed as long
/// as they stay below that leaf's upper fence, and one step down where they stay below its parent's.
struct TreeWriter {
  let pager: Pager
  var tree: TreeDescriptor
  var path: [PathStep] = []
  /// Whether `path` leads to a leaf that may be changed in place.
  var isPositioned = false
  /// The slot behind the last key that was put or deleted: the next one is not before it.
  private var nextSlot = 0
  /// Whether something was deleted from the leaf.
  var hasDeleted = false
  /// `pager.earlyWrites` when the path was made private: if it has grown, its pages may have left the
  /// memory.
  private var seenEarlyWrites: UInt64 = 0

  /// Whether leaves are packed behind every change, not behind deletes alone.
  let packsLeaves: Bool

  init(pager: Pager, tree: TreeDescriptor, packsLeaves: Bool = false) {
    self.pager = pager
    self.tree = tree
    self.packsLeaves = packsLeaves
    swap(&path, &pager.writerPath)
  }

  /// Ends the changes: the writer is not used any more.
  mutating func finish() throws(EngineError) {
    try leaveLeaf()
    path.removeAll(keepingCapacity: true)
    swap(&path, &pager.writerPath)
  }

  var leaf: PageView { path[path.count - 1].page }

  /// Inserts or replaces.
  ///
  /// `value` is in the form given, and fits a leaf. `next` is the key that will be changed next in this
  /// tree, where it is known.
  mutating func put(
    _ key: Bytes, _ value: Bytes, form: ValueForm, next: Bytes? = nil
  ) throws(EngineError) {
    if !isPositioned(for: key) {
      try leaveLeaf()
      if tree.height == 0 { try plantRoot() }
      try pager.ensureFrames()
      let epoch = pager.pool.epochs.enter()
      defer { pager.pool.epochs.leave(epoch) }
      try makePathMutable(from: try goToLeaf(for: key, next: next))
    }
    let (index, found) = leaf.lowerBound(key, from: nextSlot)
    nextSlot = index + 1
    if found {
      try releaseValue(leaf, index)
      if leaf.overwriteValue(index, value, form: form) { return }
      leaf.remove(index)
    } else {
      tree.entries &+= 1
    }
    try insert(key, value, form, at: index, step: path.count - 1)
  }

  /// Removes a key; false when it is absent.
  ///
  /// `next` is the key that will be changed next in this tree, where it is known.
  mutating func delete(_ key: Bytes, next: Bytes? = nil) throws(EngineError) -> Bool {
    guard tree.height > 0 else { return false }
    if !isPositioned(for: key) {
      try leaveLeaf()
      guard tree.height > 0 else { return false }
      try pager.ensureFrames()
      let epoch = pager.pool.epochs.enter()
      defer { pager.pool.epochs.leave(epoch) }
      let step = try goToLeaf(for: key, next: next)
      guard leaf.lowerBound(key).found else { return false }
      try makePathMutable(from: step)
    }
    let (index, found) = leaf.lowerBound(key, from: nextSlot)
    guard found else { return false }
    nextSlot = index
    try releaseValue(leaf, index)
    leaf.remove(index)
    tree.entries &-= 1
    hasDeleted = true
    return true
  }

  private mutating func plantRoot() throws(EngineError) {
    try pager.ensureFrames()
    let root = try pager.newPage(.leaf, level: 0, tree: tree.id)
    tree.root = PageReference(number: root.number, checksum: 0)
    tree.height = 1
    tree.leafPages = 1
    isPositioned = false
  }

  /// Whether the way to the leaf for `key` is known.
  private func isPositioned(for key: Bytes) -> Bool {
    isPositioned && isBeforeEnd(of: path.count - 1, key)
  }

  /// Whether a key lies before the end of what is below the page of a step.
  private func isBeforeEnd(of step: Int, _ key: Bytes) -> Bool {
    for above in stride(from: step - 1, through: 0, by: -1) {
      let next = path[above].slot + 1
      let page = path[above].page
      if next < page.count { return page.compareKey(next, key) > 0 }
    }
    return true
  }

  /// Goes to the leaf for `key`, from the parent of the last one where that is the parent of both, and
  /// has the leaf for `next` fetched meanwhile.
  ///
  /// Returns the first step whose page may not be private to the open group.
  private mutating func goToLeaf(for key: Bytes, next: Bytes?) throws(EngineError) -> Int {
    let isSibling = try goToSibling(for: key)
    if !isSibling { try descend(to: key) }
    isPositioned = false
    nextSlot = 0
    if let next { prefetchLeaf(for: next) }
    return isSibling ? path.count - 1 : 0
  }

  /// Goes down from the parent of the last leaf; false, with nothing done, where that is not known to
  /// be in memory and private to the open group, or not above the leaf for `key`.
  private mutating func goToSibling(for key: Bytes) throws(EngineError) -> Bool {
    let parent = path.count - 2
    guard isPositioned, parent >= 0, seenEarlyWrites == pager.earlyWrites,
      isBeforeEnd(of: parent, key)
    else { return false }
    let slot = path[parent].page.childSlot(for: key, from: path[parent].slot + 1)
    let page = try pager.writerPage(path[parent].page.child(slot))
    try pager.checkLevel(page, 0)
    path[parent].slot = slot
    path[parent + 1].page = page
    return true
  }

  /// Goes down to the leaf for `key`.
  private mutating func descend(to key: Bytes) throws(EngineError) {
    path.removeAll(keepingCapacity: true)
    var reference = tree.root
    for level in stride(from: tree.height - 1, through: 0, by: -1) {
      let page = try pager.writerPage(reference)
      try pager.checkLevel(page, level)
      let slot = level == 0 ? 0 : page.childSlot(for: key)
      path.append(PathStep(page: page, slot: slot))
      if level > 0 { reference = page.child(slot) }
    }
  }

  /// Has the leaf for the next key fetched where it has the same parent, so that the processor need not
  /// wait for it while it copies the leaf at hand.
  private func prefetchLeaf(for next: Bytes) {
    let parent = path.count - 2
    guard parent >= 0, isBeforeEnd(of: parent, next) else { return }
    let slot = path[parent].page.childSlot(for: next, from: path[parent].slot + 1)
    if slot > path[parent].slot { pager.prefetch(path[parent].page.child(slot)) }
  }

  /// Makes the pages of the path from a step on private to the open group; those above are.
  private mutating func makePathMutable(from first: Int) throws(EngineError) {
    for step in first..<path.count { try makeMutable(step) }
    seenEarlyWrites = pager.earlyWrites
    isPositioned = true
  }

  private mutating func makeMutable(_ step: Int) throws(EngineError) {
    let old = step == 0 ? tree.root : path[step - 1].page.child(path[step - 1].slot)
    let page = try pager.mutablePage(old)
    path[step].page = page
    if page.number != old.number { replaceReference(at: step, with: page.number) }
  }

  /// Makes the parent of a step, or the tree, refer to another page.
  mutating func replaceReference(at step: Int, with number: UInt64) {
    let reference = PageReference(number: number, checksum: 0)
    if step == 0 {
      tree.root = reference
    } else {
      path[step - 1].page.setChild(path[step - 1].slot, reference)
    }
  }

  /// The keys between which everything below a step lies; `nil` for no bound.
  func fences(of step: Int) -> (lower: [UInt8]?, upper: [UInt8]?) {
    var lower: [UInt8]?
    var upper: [UInt8]?
    for above in stride(from: step - 1, through: 0, by: -1) {
      let slot = path[above].slot
      let page = path[above].page
      if lower == nil && slot > 0 { lower = page.key(slot) }
      if upper == nil && slot + 1 < page.count { upper = page.key(slot + 1) }
    }
    return (lower, upper)
  }

  /// How many leading bytes all keys between two fences share.
  static func sharedPrefix(_ lower: [UInt8]?, _ upper: [UInt8]?) -> Int {
    guard let lower, let upper else { return 0 }
    return lower.withBytes { low in upper.withBytes { low.commonPrefix($0) } }
  }
}
