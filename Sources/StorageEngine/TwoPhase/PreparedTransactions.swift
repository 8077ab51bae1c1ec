// SPDX-License-Identifier: Apache-2.0

/// A transaction whose changes are durable, but not made: they wait for a decision.
struct PreparedWork {
  /// Where it stands, as in the file.
  enum State: UInt8 {
    case inDoubt = 0
    /// Decided, and kept for the recovery until it is forgotten.
    case committed = 1
  }

  let number: UInt64
  let identifier: [UInt8]
  /// Milliseconds since 1970.
  let preparedAt: UInt64
  var state: State
  /// The tree that holds all this.
  let tree: TreeID
  /// Whether a layer above joined the commit.
  var isJoined = false
  var treeChanges: [TreeChange] = []
  let changes = WriteSet(findingKeys: true)
  /// What must stay as it was read.
  let reads = ReadSet()
  /// Whether `undo` names every key.
  var hasWholeUndo = true
  /// For a committed one what its keys had before.
  var undo: [Undo] = []

  /// What a key had; no value for nothing.
  struct Undo {
    let tree: UInt32
    let key: [UInt8]
    let value: [UInt8]?
  }

  /// Whether the changes of another transaction touch what this one holds.
  func holds(_ work: WriteTransaction) -> Bool {
    if changes.firstCommonKey(with: work.changes.recent) != nil { return true }
    if reads.firstConflict(with: work.changes.recent) != nil { return true }
    if let names = work.changedNames, reads.firstConflict(with: names) != nil { return true }
    let trees = changes.trees
    // Of what a transaction has spilled only the trees are looked at.
    if work.changes.spilled.contains(where: { part in
      part.demands.keys.contains { trees.contains($0) || reads.contains(tree: $0) }
    }) {
      return true
    }
    for change in work.treeChanges {
      switch change {
      case .create(_, let name): if createdNames.contains(name) { return true }
      case .drop(let id): if trees.contains(id) || reads.contains(tree: id) { return true }
      }
    }
    let dropped = droppedTrees
    guard !dropped.isEmpty else { return false }
    return !dropped.isDisjoint(with: work.changes.trees)
      || !dropped.isDisjoint(with: work.droppedTrees)
  }

  /// Whether it will change what was read.
  func changes(_ reads: ReadSet) -> Bool {
    if reads.firstConflict(with: changes) != nil { return true }
    if !treeChanges.isEmpty, reads.contains(tree: ReadSet.namesTree) { return true }
    return droppedTrees.contains { reads.contains(tree: $0) }
  }

  /// Whether it will change, drop, or has read a tree.
  func concerns(_ tree: UInt32) -> Bool {
    changes.trees.contains(tree) || droppedTrees.contains(tree) || reads.contains(tree: tree)
  }

  private var createdNames: [String] {
    treeChanges.compactMap { change in if case .create(_, let name) = change { name } else { nil } }
  }

  private var droppedTrees: Set<UInt32> {
    Set(treeChanges.compactMap(\.droppedTree))
  }
}

/// The transactions in doubt, with what they hold.
///
/// Guarded by the writer lock, but for `wakeups`.
final class PreparedTransactions: @unchecked Sendable {
  /// Counts how often those who wait have to look again: one was decided and let go of what it held,
  /// or the database was closed or can write no more.
  let wakeups = EventCount()
  private(set) var inDoubt: [UInt64: PreparedWork] = [:]
  /// Trees of those that were decided, to be dropped with the next commit.
  var finished: [TreeID] = []

  func add(_ work: PreparedWork) {
    inDoubt[work.number] = work
  }

  /// Takes out one that was decided, and wakes those who wait for it.
  func remove(_ number: UInt64) {
    inDoubt[number] = nil
    wakeups.advance()
  }

  /// One that holds what a transaction needs, or will change what it has read.
  func blocker(
    of work: WriteTransaction, reads: ReadSet? = nil, except number: UInt64? = nil
  ) -> PreparedWork? {
    if inDoubt.isEmpty { return nil }
    return inDoubt.values.first { held in
      held.number != number && (held.holds(work) || reads.map(held.changes) == true)
    }
  }
}

extension WriteTransaction {
  /// Drops the trees of transactions that were decided; returns how many.
  func forget(_ trees: [TreeID]) throws(EngineError) -> Int {
    for tree in trees { try dropTree(tree) }
    return trees.count
  }
}
