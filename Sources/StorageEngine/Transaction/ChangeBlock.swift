// SPDX-License-Identifier: Apache-2.0

/// Changes that were written to the disk because a transaction outgrew its memory: some of them, in
/// order, in the form of the log.
struct SpilledBlock {
  /// Where they are.
  let value: DirectValue
  /// The first of them.
  let tree: UInt32
  let key: [UInt8]

  /// Whether the block begins behind a key.
  func begins(behind key: Bytes, in tree: UInt32) -> Bool {
    if self.tree != tree { return self.tree > tree }
    return self.key.withBytes { $0.compare(key) > 0 }
  }
}

/// All changes that were in memory at one moment, in blocks in ascending order of tree and key.
struct SpilledSet {
  var blocks: [SpilledBlock] = []
  /// For each tree what its changes add to it.
  var demands: [UInt32: PageDemand] = [:]

  /// The last block that may hold a key.
  func block(for key: Bytes, in tree: UInt32) -> Int? {
    var low = 0
    var high = blocks.count
    while low < high {
      let middle = (low + high) >> 1
      if blocks[middle].begins(behind: key, in: tree) { high = middle } else { low = middle + 1 }
    }
    return low > 0 ? low - 1 : nil
  }
}

/// The changes of a block, in memory.
final class ChangeBlock {
  /// Bytes of changes in a block, as long as one change has no more.
  static let bytes = 128 << 10

  private let memory = LogBuffer()
  private(set) var changes: [KeyChange] = []

  /// Reads a block back.
  init(_ block: SpilledBlock, _ pager: Pager) throws(EngineError) {
    let bytes = try block.value.encoded.withBytes { (value) throws(EngineError) in
      try pager.directValue(value)
    }
    bytes.withBytes { memory.append($0) }
    var reader = LogRecordReader(memory.bytes)
    do {
      while let change = try reader.nextChange() { changes.append(change) }
    } catch {
      throw .corrupt(
        Damage(
          file: pager.storage.name,
          offset: block.value.runs.first.map { pager.geometry.offset(ofPage: $0.first) } ?? 0,
          structure: "a block of changes", problem: "holds \(error.problem)"))
    }
  }

  /// The first change that does not come before a key.
  func lowerBound(_ key: Bytes, in tree: UInt32) -> Int {
    var low = 0
    var high = changes.count
    while low < high {
      let middle = (low + high) >> 1
      if changes[middle].precedes(key, in: tree) { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

extension KeyChange {
  /// Orders by tree and key.
  func precedes(_ key: Bytes, in tree: UInt32) -> Bool {
    self.tree != tree ? self.tree < tree : self.key.compare(key) < 0
  }

  func precedes(_ other: KeyChange) -> Bool { precedes(other.key, in: other.tree) }
}

extension WriteSet {
  /// Writes all changes to the disk, in blocks, but for those of dropped trees: the pages of their
  /// large values were given back when the tree was dropped, and may be others' by now.
  ///
  /// Nothing refers to the blocks yet.
  func spill(
    to pager: Pager, without droppedTrees: [UInt32]
  ) throws(EngineError) -> SpilledSet {
    var set = SpilledSet()
    let buffer = LogBuffer()
    var first: KeyChange?
    do throws(EngineError) {
      for position in sorted() {
        let change = entries[Int(position)].change
        if droppedTrees.contains(change.tree) { continue }
        if first == nil { first = change }
        buffer.append(change)
        set.demands[change.tree, default: PageDemand()].add(change, pager.geometry)
        if buffer.count >= ChangeBlock.bytes { try pager.write(buffer, &first, to: &set) }
      }
      try pager.write(buffer, &first, to: &set)
      return set
    } catch {
      for block in set.blocks { pager.abandon(block.value) }
      throw error
    }
  }
}

extension Pager {
  /// Writes what a buffer holds as a block of a set, and empties it.
  fileprivate func write(
    _ buffer: LogBuffer, _ first: inout KeyChange?, to set: inout SpilledSet
  ) throws(EngineError) {
    guard let start = first else { return }
    let value = try writeDirectValue(buffer.bytes)
    set.blocks.append(SpilledBlock(value: value, tree: start.tree, key: start.key.array))
    buffer.removeAll()
    first = nil
  }

  /// Gives back a large value that is part of no state.
  func abandon(_ value: DirectValue) {
    guard let (runs, lists) = try? runs(of: value) else { return }
    abandonRuns(runs, lists: lists)
  }
}
