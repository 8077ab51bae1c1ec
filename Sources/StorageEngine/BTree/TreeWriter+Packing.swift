// SPDX-License-Identifier: Apache-2.0

/// Filling leaves behind deletes that pass over a tree, and behind a compaction.
///
/// Entries move into the left neighbour only where this group of commits has changed that already, so
/// that packing copies no page that would not be written anyway, and takes none: what was reserved for
/// a transaction stays enough, but for a recovery that does not pack (`Database.packLeaves`).
extension TreeWriter {
  /// What became of a leaf.
  enum Packing {
    case no
    /// Some of its entries are in its left neighbour now.
    case packed
    /// All of them are, and it is gone.
    case joined
  }

  /// Moves as much of the leaf as its left neighbour has room for.
  mutating func packIntoLeft() throws(EngineError) -> Packing {
    let parent = path[path.count - 2]
    guard parent.slot > 0 else { return .no }
    let epoch = pager.pool.epochs.enter()
    defer { pager.pool.epochs.leave(epoch) }
    let right = leaf
    let neighbour = parent.page.child(parent.slot - 1)
    guard neighbour.number != right.number, pager.hasChanged(neighbour) else { return .no }
    // Marks it as changed once more, where it was written meanwhile.
    let left = try pager.mutablePage(neighbour)
    try pager.checkLevel(left, 0)
    let prefixLength = left.prefix.commonPrefix(right.prefix)
    guard let (count, bytes) = movable(from: right, to: left, prefixLength: prefixLength)
    else { return .no }
    if count == right.count {
      join(left, right, separator: [], prefixLength: prefixLength)
      discard(right)
      parent.page.remove(parent.slot)
      return .joined
    }
    guard let count = replaceSeparator(in: parent, most: count, bytes, prefixLength)
    else { return .no }
    let source = pager.scratchPage
    source.copyPage(from: left, pageBytes: pager.pageBytes)
    left.restart(as: source, prefixLength: prefixLength, pageBytes: pager.pageBytes)
    left.append(0..<source.count, of: source)
    left.append(0..<count, of: right)
    source.copyPage(from: right, pageBytes: pager.pageBytes)
    right.restart(as: source, prefixLength: source.prefix.count, pageBytes: pager.pageBytes)
    right.append(count..<source.count, of: source)
    return .packed
  }

  /// How many bytes of its capacity a packed leaf has in use at most.
  ///
  /// Some stay free, so that the next put does not split a leaf just filled.
  static func packedBytes(of capacity: Int) -> Int { capacity - capacity / 32 }

  /// Bytes for which two leaves are written anew: in a compaction any.
  private var leastMovedBytes: Int { packsLeaves ? 1 : pager.pageBytes / 8 }

  /// How many entries of the right leaf fit into the left one besides its own, and their bytes; `nil`
  /// where its own alone are too many, for keys take more room where the prefix is shorter.
  private func movable(
    from right: PageView, to left: PageView, prefixLength: Int
  ) -> (count: Int, bytes: Int)? {
    let capacity = pager.pageBytes - PageLayout.headerBytes
    let used = left.bytes(of: 0..<left.count, prefixLength: prefixLength)
    let room = Self.packedBytes(of: capacity) - used
    if room < 0 { return nil }
    var count = 0
    var bytes = 0
    while count < right.count {
      let next = right.bytes(of: count..<count + 1, prefixLength: prefixLength) - prefixLength
      if bytes + next > room { break }
      bytes += next
      count += 1
    }
    return (count, bytes)
  }

  /// The shortest key that tells what comes before a slot from what comes after it.
  private static func separator(in leaf: PageView, before slot: Int) -> [UInt8] {
    let key = leaf.key(slot)
    guard slot > 0 else { return key }
    let last = leaf.key(slot - 1)
    let common = last.withBytes { low in key.withBytes { low.commonPrefix($0) } }
    return Array(key.prefix(common + 1))
  }

  /// Moves the border between both leaves to where the parent can have it; returns how many entries of
  /// the right one are to go to the left.
  private func replaceSeparator(
    in parent: PathStep, most: Int, _ bytes: Int, _ prefixLength: Int
  ) -> Int? {
    var count = most
    var bytes = bytes
    while bytes >= leastMovedBytes {
      if replaceSeparator(Self.separator(in: leaf, before: count), in: parent) { return count }
      count -= 1
      bytes -= leaf.bytes(of: count..<count + 1, prefixLength: prefixLength) - prefixLength
    }
    return nil
  }

  /// Puts another key before the leaf in its parent; false where that would fill the parent by more
  /// than half, because what commits reserve counts on that.
  private func replaceSeparator(_ separator: [UInt8], in parent: PathStep) -> Bool {
    let page = parent.page
    let slot = parent.slot
    return separator.withBytes { key in
      let suffix = page.suffix(of: key)
      let reference = page.child(slot)
      let needed = PageView.entryBytes(suffix: suffix.count, value: PageLayout.referenceBytes)
      let old = PageView.entryBytes(
        suffix: page.keySuffix(slot).count, value: PageLayout.referenceBytes)
      let free = page.freeBytes() + Int(page.load32(PageLayout.heapGarbage))
      let half = (pager.pageBytes - PageLayout.headerBytes) / 2
      guard needed <= old || free + old - needed >= half else { return false }
      page.remove(slot)
      if needed > page.freeBytes() {
        page.compact(scratch: pager.scratchPage, pageBytes: pager.pageBytes)
      }
      PageView.withTemporary(PageLayout.referenceBytes) { value in
        value.storeReference(reference, at: 0)
        page.insert(
          slot, suffix: suffix, value: value.bytes(0, PageLayout.referenceBytes), form: .inline)
      }
      return true
    }
  }
}

extension PageView {
  /// Becomes an empty page of the kind of another, with the first bytes of its prefix.
  fileprivate func restart(as old: PageView, prefixLength: Int, pageBytes: Int) {
    format(
      kind: .leaf, level: old.level, number: old.number, birth: old.birth, tree: old.tree,
      pageBytes: pageBytes)
    setPrefix(old.prefix.prefix(prefixLength))
  }
}
