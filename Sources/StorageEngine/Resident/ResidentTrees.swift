// SPDX-License-Identifier: Apache-2.0

/// The resident trees of a database, and what of them is not in the pages yet.
///
/// Guarded by the structure lock; `owners` changes only under the writer lock as well, so that either
/// is enough to read it.
final class ResidentTrees: @unchecked Sendable {
  @safe @exclusivity(unchecked) private(set) var owners: [UInt32: any ResidentContents] = [:]
  /// Changes since the last fold, in the order of the log.
  @safe @exclusivity(unchecked) private(set) var pending = WriteSet()
  /// How many changes `pending` got.
  @safe @exclusivity(unchecked) private(set) var pendingCount = 0
  /// A tree that takes no commits, because it is being detached; 0 for none.
  @safe @exclusivity(unchecked) var pausedTree: UInt32 = 0
  /// Whether no commit is taken any more.
  @safe @exclusivity(unchecked) var isClosed = false

  var isEmpty: Bool { owners.isEmpty }

  @inline(__always)
  func has(_ tree: UInt32) -> Bool { !owners.isEmpty && owners[tree] != nil }

  func attach(_ tree: UInt32, _ contents: any ResidentContents) { owners[tree] = contents }

  func detach(_ tree: UInt32) { owners[tree] = nil }

  /// Notes a change for the next fold.
  func note(_ change: KeyChange, _ pager: Pager) throws(EngineError) {
    pendingCount += 1
    let replaced = pending.set(change)
    guard let replaced, replaced.operation == .putDirect, let value = DirectValue(replaced.value)
    else { return }
    try pager.claimAndRetireRuns(of: value)
  }

  /// Notes a change of an ordinary transaction, and has the owner take it over.
  func take(_ change: KeyChange, _ pager: Pager) throws(EngineError) {
    try note(change, pager)
    guard let owner = owners[change.tree] else { return }
    switch change.operation {
    case .delete: change.key.lend { owner.apply($0, nil) }
    case .put: change.key.lend { key in change.value.lend { owner.apply(key, $0) } }
    case .putDirect:
      let value = try pager.directValue(change.value)
      let span = value.span
      change.key.lend { owner.apply($0, span) }
    }
  }

  /// Takes out all that has to be folded.
  func takePending() -> WriteSet {
    defer {
      pending = WriteSet()
      pendingCount = 0
    }
    return pending
  }

  /// Puts back changes that could not be folded; what came since counts for more.
  func putBack(_ changes: some ChangeSource, _ pager: Pager) throws(EngineError) {
    let later = takePending()
    var changes = changes
    while let change = changes.current {
      try note(change, pager)
      try changes.advance()
    }
    for entry in later.entries { try note(entry.change, pager) }
  }

  /// Those who own what a transaction changes, in the order of their trees.
  ///
  /// Call under the writer lock.
  func owners(of transaction: WriteTransaction) -> [any ResidentContents] {
    if owners.isEmpty { return [] }
    return transaction.changes.trees.sorted().compactMap { owners[$0] }
  }
}
