// SPDX-License-Identifier: Apache-2.0

extension TreeWriter {
  /// Puts an entry into the page of a step, splitting it when it is full.
  mutating func insert(
    _ key: Bytes, _ value: Bytes, _ form: ValueForm, at index: Int, step: Int
  ) throws(EngineError) {
    let page = path[step].page
    let suffix = key.dropFirst(min(page.load16(PageLayout.prefixLength), key.count))
    let needed = PageView.entryBytes(suffix: suffix.count, value: value.count)
    let free = page.freeBytes()
    if needed > free {
      guard needed <= free + Int(page.load32(PageLayout.heapGarbage)) else {
        try split(key, value, form, at: index, step: step)
        return
      }
      page.compact(scratch: pager.scratchPage, pageBytes: pager.pageBytes)
    }
    page.insert(index, suffix: suffix, value: value, form: form)
  }

  /// Splits the page of a step around an entry that does not fit.
  private mutating func split(
    _ key: Bytes, _ value: Bytes, _ form: ValueForm, at index: Int, step: Int
  ) throws(EngineError) {
    isPositioned = false
    let left = path[step].page
    let isLeaf = left.isLeaf
    let (lower, upper) = fences(of: step)
    guard left.load16(PageLayout.prefixLength) <= Self.sharedPrefix(lower, upper) else {
      throw pager.damage(left.number, "has a prefix that not all its keys can have")
    }
    let right = try pager.newPage(isLeaf ? .leaf : .branch, level: left.level, tree: tree.id)
    if isLeaf { tree.leafPages &+= 1 } else { tree.branchPages &+= 1 }

    let split = Split(
      source: pager.scratchPage, key: key, value: value, form: form, index: index)
    pager.scratchPage.copyPage(from: left, pageBytes: pager.pageBytes)
    let cut = split.cut(pageBytes: pager.pageBytes, isRightmost: upper == nil)
    let separator = split.separator(at: cut, isLeaf: isLeaf)

    let run = left.load16(PageLayout.appendRun)
    separator.withBytes { separatorBytes in
      split.write(
        0..<cut, to: left, prefix: separatorBytes.prefix(Self.sharedPrefix(lower, separator)),
        isOpen: !isLeaf, pageBytes: pager.pageBytes)
      split.write(
        cut..<split.count, to: right,
        prefix: separatorBytes.prefix(Self.sharedPrefix(separator, upper)),
        isOpen: !isLeaf, pageBytes: pager.pageBytes)
    }
    if index == split.count - 1 { right.store16(min(run + 1, 0xFFFF), PageLayout.appendRun) }
    try addToParent(separator, right.number, step: step)
  }

  /// Enters a new right neighbour of a step's page into its parent, growing the tree at the root.
  private mutating func addToParent(
    _ separator: [UInt8], _ number: UInt64, step: Int
  ) throws(EngineError) {
    if step == 0 {
      try growRoot()
      try addToParent(separator, number, step: 1)
      return
    }
    var reference = [UInt8]()
    reference.appendInteger(number)
    reference.appendInteger(UInt64(0))
    try separator.withBytes { (key) throws(EngineError) in
      try reference.withBytes { (value) throws(EngineError) in
        try insert(key, value, .inline, at: path[step - 1].slot + 1, step: step - 1)
      }
    }
  }

  /// Puts a branch with one child on top of the root.
  private mutating func growRoot() throws(EngineError) {
    guard tree.height < PageGeometry.maximumHeight else {
      throw pager.damage(tree.root.number, "is the root of a tree that is too high")
    }
    let root = try pager.newPage(.branch, level: tree.height, tree: tree.id)
    var reference = [UInt8]()
    reference.appendInteger(tree.root.number)
    reference.appendInteger(UInt64(0))
    reference.withBytes { value in
      root.insert(0, suffix: value.prefix(0), value: value, form: .inline)
    }
    tree.root = PageReference(number: root.number, checksum: 0)
    tree.height += 1
    tree.branchPages &+= 1
    path.insert(PathStep(page: root, slot: 0), at: 0)
  }
}

/// The entries of a full page and one more, as one sequence to be cut in two.
struct Split {
  /// A copy of the page.
  let source: PageView
  let key: Bytes
  let value: Bytes
  let form: ValueForm
  /// Where the new entry belongs in the sequence.
  let index: Int

  var count: Int { source.count + 1 }

  /// Bytes of an entry with its key as it is stored now.
  private func bytes(_ position: Int) -> Int {
    if position == index {
      let suffix = max(0, key.count - source.load16(PageLayout.prefixLength))
      return PageView.entryBytes(suffix: suffix, value: value.count)
    }
    let old = position < index ? position : position - 1
    let slot = source.slotOffset(old)
    return PageView.entryBytes(suffix: source.load16(slot + 2), value: source.load16(slot + 4))
  }

  /// How many entries stay on the left: about half of the bytes, or all old ones when entries
  /// keep coming at the end, so that ascending keys fill their pages.
  func cut(pageBytes: Int, isRightmost: Bool) -> Int {
    if index == source.count {
      let run = source.load16(PageLayout.appendRun)
      if isRightmost || run >= min(8, source.count) { return source.count }
    }
    let total = (0..<count).reduce(0) { $0 + bytes($1) }
    var left = 0
    var cut = 0
    while cut < count - 1 && left + bytes(cut) / 2 <= total / 2 {
      left += bytes(cut)
      cut += 1
    }
    return max(1, cut)
  }

  func fullKey(_ position: Int) -> [UInt8] {
    if position == index { return key.array }
    return source.key(position < index ? position : position - 1)
  }

  /// The first key of the right side; for leaves the shortest that still tells the sides apart.
  func separator(at cut: Int, isLeaf: Bool) -> [UInt8] {
    let right = fullKey(cut)
    guard isLeaf else { return right }
    let left = fullKey(cut - 1)
    let common = left.withBytes { low in right.withBytes { low.commonPrefix($0) } }
    return Array(right.prefix(common + 1))
  }

  /// Fills a page with part of the sequence.
  ///
  /// An open page drops its first key.
  func write(
    _ range: Range<Int>, to page: PageView, prefix: Bytes, isOpen: Bool, pageBytes: Int
  ) {
    page.format(
      kind: source.isLeaf ? .leaf : .branch, level: source.level, number: page.number,
      birth: page.birth, tree: source.tree, pageBytes: pageBytes)
    page.setPrefix(prefix)
    for position in range {
      let dropsKey = isOpen && position == range.lowerBound
      if position == index {
        let suffix = dropsKey ? key.prefix(0) : key.dropFirst(min(prefix.count, key.count))
        page.insert(page.count, suffix: suffix, value: value, form: form)
      } else {
        let old = position < index ? position : position - 1
        page.append(old..<old + 1, of: source, openFirst: dropsKey)
      }
    }
    page.store16(0, PageLayout.appendRun)
  }
}
