// SPDX-License-Identifier: Apache-2.0

/// Filling leaves that random inserts have left half full.
///
/// A leaf is packed as it is moved: one of its entries is put once more, by a commit like any other that
/// changes nothing, and what it holds goes to the left neighbour as far as that has room.
extension Database {
  /// Packs the leaves of all trees, some at a time, as far as there is room to do so.
  func packLeaves(while shouldContinue: () -> Bool) throws(EngineError) {
    var mostLeaves = SparseLeafFinder.mostLeaves
    var position: LeafPosition? = LeafPosition()
    // The checkpoint of the first step, for which commits wait, shall be as short as the others.
    var mustCheckpoint = true
    while let start = position, shouldContinue() {
      do throws(EngineError) {
        if mustCheckpoint { try checkpoint() }
        mustCheckpoint = false
        position = try packStep(from: start, mostLeaves)
      } catch {
        guard case .outOfSpace = error else { throw error }
        mostLeaves /= 8
        if mostLeaves == 0 { return }
      }
    }
  }

  /// Packs some leaves; returns where to go on.
  ///
  /// A recovery puts the entries again, but packs nothing: it would need pages that packing has freed.
  /// So a checkpoint follows before anybody else commits.
  private func packStep(
    from start: LeafPosition, _ mostLeaves: Int
  ) throws(EngineError) -> LeafPosition? {
    try writerLock.withLock { () throws(EngineError) in
      try checkpointLock.withLock { () throws(EngineError) in
        try checkWritable()
        var finder = SparseLeafFinder(pager: pager, mostLeaves: mostLeaves)
        let next = try finder.collect(from: start, in: working) { residents.has($0) }
        guard finder.isWorthPacking else { return next }
        try commitSilently(packing: true) { packing throws(EngineError) in
          for entry in finder.found {
            try packing.put(entry.value, forKey: entry.key, in: entry.tree)
          }
        }
        try runCheckpoint()
        return next
      }
    }
  }
}

/// Goes through neighbouring leaves, with an entry of each that makes a copy of it when it is put again.
struct SparseLeafFinder {
  /// Leaves that are packed by one commit at most.
  static let mostLeaves = 256

  private let pager: Pager
  private let mostLeaves: Int
  private let newestNamed: NamedState?
  private var usedBytes = 0
  /// One of each leaf, in order.
  private(set) var found: [LeafFinder.Entry] = []

  init(pager: Pager, mostLeaves: Int) {
    self.pager = pager
    self.mostLeaves = mostLeaves
    newestNamed = pager.snapshots.namedStates.last
  }

  /// Whether so many of the leaves that were found can be saved that it is worth copying them all: an
  /// eighth.
  var isWorthPacking: Bool {
    let capacity = pager.pageBytes - PageLayout.headerBytes
    let room = TreeWriter.packedBytes(of: capacity)
    let leaves = (usedBytes + room - 1) / room
    return found.count > 1 && leaves * 8 <= found.count * 7
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
        if found.count >= mostLeaves { return position }
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
