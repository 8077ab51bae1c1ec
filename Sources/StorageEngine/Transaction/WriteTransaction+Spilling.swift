// SPDX-License-Identifier: Apache-2.0

/// Changes that outgrew the memory.
extension WriteTransaction {
  /// The change of a key, wherever it is.
  ///
  /// Valid until the next call.
  func change(of key: Bytes, in tree: UInt32) throws(EngineError) -> KeyChange? {
    if let change = changes.find(key, in: tree) { return change }
    for part in spilled.indices.reversed() {
      guard let position = spilled[part].block(for: key, in: tree) else { continue }
      let block = try readBlock(position, of: part)
      let index = block.lowerBound(key, in: tree)
      guard index < block.changes.count else { continue }
      let change = block.changes[index]
      if change.tree == tree, change.key.compare(key) == 0 { return change }
    }
    return nil
  }

  private func readBlock(_ position: Int, of part: Int) throws(EngineError) -> ChangeBlock {
    if let known = readBlocks[part], known.position == position { return known.block }
    let block = try ChangeBlock(spilled[part].blocks[position], database.pager)
    readBlocks[part] = (position, block)
    return block
  }

  /// The changes of a tree in a range, wherever they are.
  func changes(
    in tree: UInt32, range: KeyRange, reversed: Bool = false
  ) throws(EngineError) -> ChangeMerge {
    var sources: [any ChangeSource] = []
    for part in spilled {
      sources.append(
        try SpilledChanges(part, database.pager, in: tree, range: range, reversed: reversed))
    }
    sources.append(MemoryChanges(changes, in: tree, range: range, reversed: reversed))
    return ChangeMerge(sources, reversed: reversed)
  }

  /// All changes, in order.
  func allChanges() throws(EngineError) -> ChangeMerge {
    var sources: [any ChangeSource] = []
    for part in spilled { sources.append(try SpilledChanges(part, database.pager)) }
    sources.append(SortedChanges(changes))
    return ChangeMerge(sources)
  }

  /// Writes the changes to the disk when they take more memory than is allowed.
  func spillIfLarge() throws(EngineError) {
    guard changes.memoryBytes > database.configuration.transactionMemoryBytes else { return }
    try database.checkChangeable()
    do throws(EngineError) {
      let part = try changes.spill(to: database.pager, without: droppedTrees)
      if !part.blocks.isEmpty {
        spilled.append(part)
        readBlocks.append(nil)
      }
    } catch {
      throw database.poisonIfBroken(error)
    }
    changes = WriteSet()
    wroteDirectly = true
  }

  /// The trees in which it has changes.
  var changedTrees: Set<UInt32> {
    spilled.reduce(into: changes.trees) { $0.formUnion($1.demands.keys) }
  }
}
