// SPDX-License-Identifier: Apache-2.0

/// Finds out how many leaves of a tree some changes touch, by going down to each; and which of them
/// lie behind everything that the tree has.
///
/// Changes come in ascending order of their keys.
struct LeafSurvey {
  private let pager: Pager
  private let tree: TreeDescriptor
  private let lastKey: [UInt8]?
  private var inside = PageDemand()
  private var behindAll = PageDemand()
  private var touched = TouchedLeaves()
  private var isInLeaf = false
  /// The first key beyond the leaf at hand; `nil` for no end.
  private var leafEnd: [UInt8]?
  private var hasPuts = false
  private var deletes = 0

  init(_ pager: Pager, _ tree: TreeDescriptor) throws(EngineError) {
    self.pager = pager
    self.tree = tree
    lastKey = try pager.lastKey(of: tree)
  }

  /// The pages that the changes take at most.
  var mostPages: Int {
    inside.mostPages(in: tree, touching: touched, pager.geometry)
      + behindAll.mostPages(behindAllOfHeight: tree.height, pager.geometry)
  }

  mutating func add(_ change: KeyChange) throws(EngineError) {
    if tree.height > 0, !isInLeaf || !isInside(change.key) { try enterLeaf(of: change.key) }
    if change.operation == .delete {
      deletes += 1
      if deletes <= TouchedLeaves.mostMergesOfLeaf { touched.merges += 1 }
    } else if !hasPuts {
      hasPuts = true
      touched.withPuts += 1
    }
    if tree.height == 0 || isBehindAll(change.key) {
      behindAll.add(change, pager.geometry)
    } else {
      inside.add(change, pager.geometry)
    }
  }

  private func isInside(_ key: Bytes) -> Bool {
    leafEnd.map { $0.withBytes { key.compare($0) < 0 } } ?? true
  }

  private func isBehindAll(_ key: Bytes) -> Bool {
    lastKey.map { $0.withBytes { key.compare($0) > 0 } } ?? false
  }

  private mutating func enterLeaf(of key: Bytes) throws(EngineError) {
    leafEnd = try pager.endOfLeaf(for: key, in: tree)
    isInLeaf = true
    touched.all += 1
    hasPuts = false
    deletes = 0
  }
}

extension Pager {
  /// The first key that lies beyond the leaf for another; `nil` where that is the last leaf.
  fileprivate func endOfLeaf(
    for key: Bytes, in tree: TreeDescriptor
  ) throws(EngineError) -> [UInt8]? {
    var fallback: AlignedBuffer?
    var end: [UInt8]?
    let epoch = pool.epochs.enter()
    defer { pool.epochs.leave(epoch) }
    _ = try descend(in: tree, fallback: &fallback) { branch in
      let slot = branch.childSlot(for: key)
      if slot + 1 < branch.count { end = branch.key(slot + 1) }
      return slot
    }
    return end
  }

  /// The last key of a tree; `nil` where its last leaf is empty.
  fileprivate func lastKey(of tree: TreeDescriptor) throws(EngineError) -> [UInt8]? {
    guard tree.height > 0 else { return nil }
    return try withLeaf(of: tree, choosing: { $0.count - 1 }) { leaf in
      leaf.count > 0 ? leaf.key(leaf.count - 1) : nil
    }
  }
}
