// SPDX-License-Identifier: Apache-2.0

/// Giving up transactions in doubt in a store that was put together anew, where nothing holds them.
extension WriteTransaction {
  private var preparedReader: PreparedTreeReader {
    PreparedTreeReader(pager: database.pager, reader: self)
  }

  /// Drops those that cannot be read, lie in one of the `incomplete` trees or are from before a
  /// transaction behind damage, which builds on what was decided; returns them, and why.
  func dropBrokenPrepared(
    incomplete: Set<UInt32>, maybeDecidedBefore lsn: UInt64
  ) throws(EngineError) -> [(name: String, tree: TreeID, problem: String)] {
    var broken: [(name: String, tree: TreeID, problem: String)] = []
    for (name, tree) in preparedReader.trees {
      let problem: String?
      if incomplete.contains(tree.rawValue) {
        problem = "is not whole any more"
      } else {
        do throws(EngineError) {
          let isOlder = try preparedReader.read(tree, name).number < lsn
          problem = isOlder ? "may have been decided in a lost part of the log" : nil
        } catch {
          guard case .corrupt(let damage) = error else { throw error }
          problem = damage.problem
        }
      }
      guard let problem else { continue }
      try dropTree(tree)
      broken.append((name, tree, problem))
    }
    return broken
  }

  /// The highest number of a record that they will write to a segment; 0 for none.
  func highestPreparedRecord(in segment: UInt32) throws(EngineError) -> UInt64 {
    var highest: UInt64 = 0
    for work in try preparedReader.readAll() {
      for entry in work.changes.entries where entry.change.tree == segment {
        highest = max(highest, SegmentTree.number(entry.change.key.array) ?? 0)
      }
    }
    return highest
  }

  /// Drops those that change one of some trees, which are dropped as well; returns their numbers.
  package func dropPrepared(changing trees: Set<TreeID>) throws(EngineError) -> [UInt64] {
    var numbers: [UInt64] = []
    for (name, tree) in preparedReader.trees {
      let work = try preparedReader.read(tree, name)
      let changed = work.changes.trees.union(work.treeChanges.compactMap(\.droppedTree))
      guard changed.contains(where: { trees.contains(TreeID(rawValue: $0)) }) else { continue }
      try dropTree(tree)
      numbers.append(work.number)
    }
    return numbers
  }
}
