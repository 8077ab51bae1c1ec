// SPDX-License-Identifier: Apache-2.0

/// Applies the changes of a transaction to the trees, at a commit and again in recovery.
///
/// Call under the structure lock.
struct ChangeApplier {
  let pager: Pager
  /// Those trees of a running database whose changes go to memory; their pages follow later.
  var residents: ResidentTrees?
  /// Whether leaves are packed behind every change, not behind deletes alone.
  var packsLeaves = false

  /// Applies tree changes in order, then key changes, which come in order of tree and key.
  ///
  /// Those that were written to the disk come before those that are in memory.
  func apply(
    _ treeChanges: [TreeChange], _ spilled: [SpilledSet], _ changes: some ChangeSource,
    to set: inout TreeSet
  ) throws(EngineError) {
    for change in treeChanges { try apply(change, to: &set) }
    if spilled.isEmpty { return try apply(changes, dropped: [], to: &set) }
    var sources: [any ChangeSource] = []
    for part in spilled {
      sources.append(try SpilledChanges(part, pager))
      // Read once more here, and by a recovery until the second checkpoint from now.
      for block in part.blocks { try pager.claimAndRetireRuns(of: block.value) }
    }
    let merge = ChangeMerge(sources + [changes]) { change throws(EngineError) in
      try drop(change)
    }
    // A spilled set may have changes of a tree that was dropped afterwards.
    try apply(merge, dropped: treeChanges.compactMap(\.droppedTree), to: &set)
  }

  /// Applies key changes, which come in order of tree and key, but for those of dropped trees.
  func apply(
    _ changes: some ChangeSource, dropped: [UInt32], to set: inout TreeSet
  ) throws(EngineError) {
    var changes = changes
    var writer: TreeWriter?
    while let change = changes.current {
      if !dropped.isEmpty, dropped.contains(change.tree) {
        try drop(change)
      } else if let residents, residents.has(change.tree) {
        try residents.take(change, pager)
      } else {
        try move(&writer, to: change.tree, &set)
        let following = changes.following
        let next = following?.tree == change.tree ? following?.key : nil
        try apply(change, next: next, with: &writer)
      }
      try changes.advance()
    }
    try finish(&writer, &set)
  }

  private func finish(
    _ writer: inout TreeWriter?, _ set: inout TreeSet
  ) throws(EngineError) {
    try writer?.finish()
    if let writer { set.update(writer.tree) }
  }

  private func move(
    _ writer: inout TreeWriter?, to tree: UInt32, _ set: inout TreeSet
  ) throws(EngineError) {
    if writer?.tree.id == tree { return }
    try finish(&writer, &set)
    guard let descriptor = set[tree] else { throw .treeNotFound("number \(tree)") }
    writer = TreeWriter(pager: pager, tree: descriptor, packsLeaves: packsLeaves)
  }

  /// Gives up what a change that does not count any more has written.
  private func drop(_ change: KeyChange) throws(EngineError) {
    guard change.operation == .putDirect, let value = DirectValue(change.value) else { return }
    try pager.claimAndRetireRuns(of: value)
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
      residents?.detach(id)
    }
  }

  /// `next` is the key of the change behind it in the same tree, where it is known.
  private func apply(
    _ change: KeyChange, next: Bytes?, with writer: inout TreeWriter?
  ) throws(EngineError) {
    switch change.operation {
    case .put where change.key.count + change.value.count <= pager.geometry.maximumInlineBytes:
      try writer?.put(change.key, change.value, form: .inline, next: next)
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
      _ = try writer?.delete(change.key, next: next)
    }
  }
}
