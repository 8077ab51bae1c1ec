// SPDX-License-Identifier: Apache-2.0

/// Neighbouring leaves of a tree that may be packed, each with one entry that is put again for that.
struct NeighbouringLeaves {
  /// Leaves that are packed by one commit at most.
  static let most = 256
  /// Leaves that are looked at in one step, whatever is found: commits wait meanwhile.
  private static let mostVisited = 1024

  private let pager: Pager
  private let most: Int
  /// What is older is seen by somebody who keeps it.
  private let keptLSN: UInt64
  /// How many leaves would hold what was found, and the bytes that the last of them has left.
  private var packed = 0
  private var room = 0
  private var visited = 0
  /// One entry of each leaf, in order.
  private(set) var found: [LeafFinder.Entry] = []

  /// Named snapshots keep what they see, and so do those of some views that are still open: packed, it
  /// would be there twice.
  init(pager: Pager, most: Int, sparing views: [UInt64]) {
    self.pager = pager
    self.most = most
    let now = pager.snapshots.current()
    keptLSN = max(now.named.last?.lsn ?? 0, views.last(where: now.shows) ?? 0)
  }

  /// Whether so many of the leaves that were found can be saved that it is worth copying them all: an
  /// eighth.
  var areWorthPacking: Bool {
    found.count > 1 && packed * 8 <= found.count * 7
  }

  /// Walks on within one tree until there are enough leaves; returns where to go on, `nil` at the end.
  mutating func collect(
    from start: LeafPosition, in set: TreeSet, passingOver isPassedOver: (UInt32) -> Bool
  ) throws(EngineError) -> LeafPosition? {
    var position = start
    for tree in set.trees where tree.id >= position.tree {
      if tree.id > position.tree { position = LeafPosition(tree: tree.id) }
      // The rest of the trees is for another step.
      if !found.isEmpty || visited >= Self.mostVisited { return position }
      if tree.height == 0 || isPassedOver(tree.id) { continue }
      while let next = try visitLeaf(of: tree, at: position.key) {
        position.key = next
        if found.count >= most || visited >= Self.mostVisited { return position }
      }
    }
    return nil
  }

  /// Looks at the leaf of a key; returns where the next begins, `nil` at the end.
  private mutating func visitLeaf(
    of tree: TreeDescriptor, at key: [UInt8]
  ) throws(EngineError) -> [UInt8]? {
    visited += 1
    var upper: [UInt8]?
    let entry = try pager.withLeaf(
      of: tree,
      choosing: { branch in
        let slot = key.withBytes { branch.childSlot(for: $0) }
        if slot + 1 < branch.count { upper = branch.key(slot + 1) }
        return slot
      }
    ) { leaf -> LeafFinder.Entry? in
      guard leaf.birth > keptLSN,
        let slot = (0..<leaf.count).first(where: { leaf.form($0) == .inline })
      else { return nil }
      fill(with: leaf)
      return LeafFinder.Entry(
        tree: TreeID(rawValue: tree.id), key: leaf.key(slot), value: leaf.value(slot).array)
    }
    if let entry { found.append(entry) }
    if let upper, !key.lexicographicallyPrecedes(upper) {
      // In a forged tree it might go round for ever.
      throw pager.damage(tree.root.number, "is the root of a tree with fences out of order")
    }
    return upper
  }

  /// Fills the last of the leaves that would hold everything, and as many more as it takes.
  private mutating func fill(with leaf: PageView) {
    let whole = TreeWriter.packedBytes(of: pager.pageBytes - PageLayout.headerBytes)
    let prefixLength = leaf.prefix.count
    for slot in 0..<leaf.count {
      let bytes = leaf.bytes(of: slot..<slot + 1, prefixLength: prefixLength) - prefixLength
      if bytes > room {
        packed += 1
        room = whole - prefixLength
      }
      room -= bytes
    }
  }
}
