// SPDX-License-Identifier: Apache-2.0

/// The changes of a transaction, wherever they are: in memory, or on the disk where they outgrew
/// that.
final class TransactionChanges {
  private let pager: Pager
  /// Those in memory, the latest.
  @safe @exclusivity(unchecked) private(set) var recent = WriteSet()
  /// Those that outgrew the memory, oldest first.
  @safe @exclusivity(unchecked) private(set) var spilled: [SpilledSet] = []
  /// The block of a spilled set that was read last, for each.
  @safe @exclusivity(unchecked) private var readBlocks: [(position: Int, block: ChangeBlock)?] = []

  init(_ pager: Pager) {
    self.pager = pager
  }

  var isEmpty: Bool { recent.isEmpty && spilled.isEmpty }

  /// The trees in which there are changes.
  var trees: Set<UInt32> {
    spilled.reduce(into: recent.trees) { $0.formUnion($1.demands.keys) }
  }

  /// Notes a change; returns the one of the same key that it replaces, if that is in memory.
  func set(
    _ operation: LogRecord.KeyOperation, _ key: Bytes, in tree: UInt32, value: Bytes
  ) -> KeyChange? {
    recent.set(KeyChange(operation: operation, tree: tree, key: key, value: value))
  }

  /// The change of a key.
  ///
  /// Valid until the next call.
  func find(_ key: Bytes, in tree: UInt32) throws(EngineError) -> KeyChange? {
    if let change = recent.find(key, in: tree) { return change }
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
    let block = try ChangeBlock(spilled[part].blocks[position], pager)
    readBlocks[part] = (position, block)
    return block
  }

  /// The changes of a tree in a range.
  func merged(
    in tree: UInt32, range: KeyRange, reversed: Bool = false
  ) throws(EngineError) -> ChangeMerge {
    var sources: [any ChangeSource] = []
    for part in spilled {
      sources.append(
        try SpilledChanges(part, pager, in: tree, range: range, reversed: reversed))
    }
    sources.append(MemoryChanges(recent, in: tree, range: range, reversed: reversed))
    return ChangeMerge(sources, reversed: reversed)
  }

  /// All changes, in order.
  func merged() throws(EngineError) -> ChangeMerge {
    try merged(with: SortedChanges(recent))
  }

  /// All changes, in order, of which some that are in memory are given.
  func merged(with recent: some ChangeSource) throws(EngineError) -> ChangeMerge {
    var sources: [any ChangeSource] = []
    for part in spilled { sources.append(try SpilledChanges(part, pager)) }
    return ChangeMerge(sources + [recent])
  }

  /// Writes those in memory to the disk, but for those of dropped trees.
  func spill(without droppedTrees: [UInt32]) throws(EngineError) {
    let part = try recent.spill(to: pager, without: droppedTrees)
    if !part.blocks.isEmpty {
      spilled.append(part)
      readBlocks.append(nil)
    }
    recent = WriteSet()
  }

  /// Gives back what was written of them.
  func abandonSpilled() {
    for part in spilled {
      for block in part.blocks { pager.abandon(block.value) }
    }
    spilled = []
    readBlocks = []
  }
}
