// SPDX-License-Identifier: Apache-2.0

extension TreeWriter {
  /// Packs the leaf, or joins it with a neighbour, where something was deleted from it or all leaves are
  /// to be packed: call before the way to another leaf is taken, and at the end.
  mutating func leaveLeaf() throws(EngineError) {
    guard hasDeleted || packsLeaves, isPositioned else { return }
    hasDeleted = false
    isPositioned = false
    if path.count > 1 {
      switch try packIntoLeft() {
      case .joined: return try shrinkIfSparse(from: path.count - 2)
      case .packed, .no: break
      }
    }
    try shrinkIfSparse(from: path.count - 1)
  }

  /// Joins a page, and then its parents, with a neighbour where less than a quarter is in use.
  ///
  /// A page is never just taken out, not even an empty one: its neighbour's fences would move
  /// apart, and its prefix might no longer hold for every key between them.
  private mutating func shrinkIfSparse(from last: Int) throws(EngineError) {
    var step = last
    while step > 0 {
      let page = path[step].page
      if page.usedBytes(pageBytes: pager.pageBytes) >= pager.pageBytes / 4 { return }
      guard try mergeWithNeighbour(path[step - 1]) else { return }
      step -= 1
    }
    try shrinkRoot()
  }

  private mutating func shrinkRoot() throws(EngineError) {
    if path[0].page.isLeaf {
      guard path[0].page.count == 0 else { return }
      discard(path[0].page)
      tree.root = PageReference(number: 0, checksum: 0)
      tree.height = 0
      return
    }
    while tree.height > 1 {
      let root = try pager.writerPage(tree.root)
      guard root.count == 1 else { return }
      let child = root.child(0)
      discard(root)
      tree.root = child
      tree.height -= 1
    }
  }

  mutating func discard(_ page: PageView) {
    // A forged tree may count anything.
    if page.isLeaf { tree.leafPages &-= 1 } else { tree.branchPages &-= 1 }
    pager.retire(page.number, birth: page.birth)
  }

  /// Joins a page with the one beside it under the same parent; false when both are too full.
  private mutating func mergeWithNeighbour(_ parent: PathStep) throws(EngineError) -> Bool {
    if parent.slot + 1 < parent.page.count, try merge(parent.page, parent.slot) { return true }
    guard parent.slot > 0 else { return false }
    return try merge(parent.page, parent.slot - 1)
  }

  /// Joins the children at `slot` and `slot + 1` into the left one.
  private mutating func merge(_ parent: PageView, _ slot: Int) throws(EngineError) -> Bool {
    let epoch = pager.pool.epochs.enter()
    defer { pager.pool.epochs.leave(epoch) }
    if packsLeaves,
      !pager.hasChanged(parent.child(slot)) || !pager.hasChanged(parent.child(slot + 1))
    {
      // A compaction has not read it before: damage would show itself too late to leave all as it was.
      return false
    }
    let right = try pager.writerPage(parent.child(slot + 1))
    var left = try pager.writerPage(parent.child(slot))
    let level = parent.level - 1
    try pager.checkLevel(right, level)
    try pager.checkLevel(left, level)
    guard left.number != right.number else {
      throw pager.damage(left.number, "is two children of one page")
    }
    let separator = parent.key(slot + 1)
    // The shorter of both prefixes that still holds for all keys of both pages.
    let prefixLength = left.prefix.commonPrefix(right.prefix)
    let bytes =
      left.bytes(of: 0..<left.count, prefixLength: prefixLength)
      + right.bytes(of: 0..<right.count, prefixLength: prefixLength) + separator.count
    let capacity = pager.pageBytes - PageLayout.headerBytes
    let isOneEmpty = left.count == 0 || right.count == 0
    guard bytes <= (isOneEmpty ? capacity : capacity * 3 / 4) else { return false }

    left = try pager.mutablePage(parent.child(slot))
    parent.setChild(slot, PageReference(number: left.number, checksum: 0))
    join(left, right, separator: separator, prefixLength: prefixLength)
    discard(right)
    parent.remove(slot + 1)
    return true
  }

  func join(
    _ left: PageView, _ right: PageView, separator: [UInt8], prefixLength: Int
  ) {
    let old = pager.scratchPage
    old.copyPage(from: left, pageBytes: pager.pageBytes)
    left.format(
      kind: old.isLeaf ? .leaf : .branch, level: old.level, number: old.number, birth: old.birth,
      tree: old.tree, pageBytes: pager.pageBytes)
    left.setPrefix(old.prefix.prefix(prefixLength))
    left.append(0..<old.count, of: old, openFirst: !old.isLeaf)
    if old.isLeaf {
      left.append(0..<right.count, of: right)
    } else {
      separator.withBytes { key in
        let suffix = key.dropFirst(min(prefixLength, key.count))
        left.insert(left.count, suffix: suffix, value: right.value(0), form: .inline)
      }
      left.append(1..<right.count, of: right)
    }
    left.store16(0, PageLayout.appendRun)
  }

  /// Gives back what the value of a slot occupies outside its leaf.
  func releaseValue(_ page: PageView, _ index: Int) throws(EngineError) {
    let form = page.form(index)
    if form == .inline { return }
    let value = page.value(index)
    let namedBirth = try pager.namedBirth(ofValue: index, in: page, of: tree.id)
    if form == .paged {
      for position in 0..<PagedValue.pageCount(value) {
        pager.retireUnseen(
          PagedValue.reference(value, position).number, namedBirth: namedBirth)
      }
      return
    }
    guard let value = DirectValue(value) else {
      throw pager.damage(page.number, "lists no runs for a large value")
    }
    try pager.retireRuns(of: value, namedBirth: namedBirth)
  }

  /// Gives back every page of the tree.
  mutating func discardAll() throws(EngineError) {
    if tree.height > 0 { try discardSubtree(tree.root, level: tree.height - 1) }
    tree = TreeDescriptor(id: tree.id)
  }

  private mutating func discardSubtree(
    _ reference: PageReference, level: Int
  ) throws(EngineError) {
    try pager.ensureFrames()
    var children: [PageReference] = []
    do {
      let epoch = pager.pool.epochs.enter()
      defer { pager.pool.epochs.leave(epoch) }
      let page = try pager.writerPage(reference)
      try pager.checkLevel(page, level)
      // Each page once: a forged tree may have more ways than anyone can go.
      guard pager.map.isAllocated(page.number), !pager.map.isDead(page.number) else {
        throw pager.damage(page.number, "is part of two structures")
      }
      for index in 0..<page.count {
        if level > 0 { children.append(page.child(index)) } else { try releaseValue(page, index) }
      }
      discard(page)
    }
    for child in children { try discardSubtree(child, level: level - 1) }
  }
}
