// SPDX-License-Identifier: Apache-2.0

/// Neighbouring leaves of a tree that may be packed, each with one entry that is put again for that.
struct NeighbouringLeaves {
  /// Leaves that are packed by one commit at most.
  static let most = 256
  /// Leaves that are looked at in one step, whatever is found: commits wait meanwhile.
  private static let mostVisited = 1024

  private let pager: Pager
  private let most: Int
  private let newestNamed: NamedState?
  private var usedBytes = 0
  private var visited = 0
  /// One entry of each leaf, in order.
  private(set) var found: [LeafFinder.Entry] = []

  init(pager: Pager, most: Int) {
    self.pager = pager
    self.most = most
    newestNamed = pager.snapshots.namedStates.last
  }

  /// Whether so many of the leaves that were found can be saved that it is worth copying them all: an
  /// eighth.
  var areWorthPacking: Bool {
    let room = TreeWriter.packedBytes(of: pager.pageBytes - PageLayout.headerBytes)
    let needed = (usedBytes + room - 1) / room
    return found.count > 1 && needed * 8 <= found.count * 7
  }

  /// Walks on within one tree until there are enough leaves; returns where to go on, `nil` at the end.
  mutating func collect(
    from start: LeafPosition, in set: TreeSet, passingOver isPassedOver: (UInt32) -> Bool
  ) throws(EngineError) -> LeafPosition? {
    var position = start
    for tree in set.trees where tree.id >= position.tree {
      if tree.id > position.tree { position = LeafPosition(tree: tree.id) }
      // The rest of the trees is for another step.
      if !found.isEmpty { return position }
      if tree.height == 0 || isPassedOver(tree.id) { continue }
      while let next = try visitLeaf(of: tree, at: position.key) {
        position.key = next
        visited += 1
        if found.count >= most || visited >= Self.mostVisited { return position }
      }
    }
    return nil
  }

  /// Looks at the leaf of a key; returns where the next begins, `nil` at the end.
  private mutating func visitLeaf(
    of tree: TreeDescriptor, at key: [UInt8]
  ) throws(EngineError) -> [UInt8]? {
    var upper: [UInt8]?
    let entry = try pager.withLeaf(
      of: tree,
      choosing: { branch in
        let slot = key.withBytes { branch.childSlot(for: $0) }
        if slot + 1 < branch.count { upper = branch.key(slot + 1) }
        return slot
      }
    ) { leaf -> LeafFinder.Entry? in
      // What a named snapshot sees would be there twice.
      guard leaf.birth > newestNamed?.lsn ?? 0,
        let slot = (0..<leaf.count).first(where: { leaf.form($0) == .inline })
      else { return nil }
      usedBytes += leaf.usedBytes(pageBytes: pager.pageBytes)
      return LeafFinder.Entry(
        tree: TreeID(rawValue: tree.id), key: leaf.key(slot), value: leaf.value(slot).array)
    }
    if let entry { found.append(entry) }
    return upper
  }
}
