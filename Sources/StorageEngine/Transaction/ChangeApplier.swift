// SPDX-License-Identifier: Apache-2.0

/// Applies the changes of a transaction to the trees, at a commit and again in recovery.
///
/// Call under the structure lock.
struct ChangeApplier {
  let pager: Pager

  /// Applies tree changes in order, then key changes, which come in order of tree and key.
  func apply(
    _ treeChanges: [TreeChange], _ changes: some Sequence<KeyChange>, to set: inout TreeSet
  ) throws(EngineError) {
    for change in treeChanges { try apply(change, to: &set) }
    var writer: TreeWriter?
    var iterator = changes.makeIterator()
    while let change = iterator.next() {
      if writer?.tree.id != change.tree {
        if let writer { set.update(writer.tree) }
        guard let tree = set[change.tree] else {
          throw .treeNotFound("number \(change.tree)")
        }
        writer = TreeWriter(pager: pager, tree: tree)
      }
      try apply(change, with: &writer)
    }
    if let writer { set.update(writer.tree) }
  }

  private func apply(_ change: TreeChange, to set: inout TreeSet) throws(EngineError) {
    switch change {
    case .create(let id, let name):
      guard set[id] == nil, set.tree(named: name) == nil else { throw .treeExists(name) }
      set.add(TreeDescriptor(id: id), named: name)
    case .drop(let id):
      guard let tree = set[id] else { throw .treeNotFound("number \(id)") }
      var writer = TreeWriter(pager: pager, tree: tree)
      try writer.discardAll()
      set.remove(id)
    }
  }

  private func apply(_ change: KeyChange, with writer: inout TreeWriter?) throws(EngineError) {
    switch change.operation {
    case .put where change.key.count + change.value.count <= pager.geometry.maximumInlineBytes:
      try writer?.put(change.key, change.value, form: .inline)
    case .put:
      writer?.isPositioned = false
      try pager.ensureFrames()
      let share = try pager.makePagedValue(change.value, tree: change.tree)
      try share.withBytes { (bytes) throws(EngineError) in
        try writer?.put(change.key, bytes, form: .paged)
      }
    case .putDirect:
      guard let value = DirectValue(change.value) else {
        throw .treeNotFound("runs of a large value")
      }
      try pager.claimRuns(of: value)
      try writer?.put(change.key, change.value, form: .runs)
    case .delete:
      _ = try writer?.delete(change.key)
    }
  }

  /// How many pages applying the changes can take at most: copies of every page that can be
  /// touched, and new ones for what is added.
  func pagesNeeded(
    _ changes: some Sequence<KeyChange>, in set: TreeSet
  ) -> Int {
    var total = 0
    var tree: UInt32?
    var count = 0
    var bytes = 0
    func add() {
      guard let tree else { return }
      let descriptor = set[tree] ?? TreeDescriptor(id: tree)
      total += min(count, Int(clamping: descriptor.leafPages))
      total += min(count * max(0, descriptor.height - 1), Int(clamping: descriptor.branchPages))
      total += 3 * bytes / pager.pageBytes + descriptor.height + 4
    }
    for change in changes {
      if change.tree != tree {
        add()
        tree = change.tree
        count = 0
        bytes = 0
      }
      count += 1
      bytes += change.key.count + change.value.count + PageLayout.headBytes + PageLayout.slotBytes
      if change.value.count > pager.geometry.maximumInlineBytes {
        bytes += pager.pageBytes
      }
    }
    add()
    return total
  }
}
