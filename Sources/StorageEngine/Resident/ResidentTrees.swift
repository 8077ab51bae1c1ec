// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The resident trees of a database, and what of them is not in the pages yet.
///
/// Guarded by the structure lock; `attachments` changes only under the writer lock as well, so that
/// either is enough to read it.
final class ResidentTrees: @unchecked Sendable {
  @safe @exclusivity(unchecked) private(set) var attachments: [UInt32: ResidentAttachment] = [:]
  /// Changes since the last fold, in the order of the log.
  @safe @exclusivity(unchecked) private(set) var pending = WriteSet()
  /// How many changes `pending` got.
  @safe @exclusivity(unchecked) private(set) var pendingCount = 0
  /// Whether no commit is taken any more.
  @safe @exclusivity(unchecked) private(set) var isClosed = false

  /// How often a tree was attached.
  @safe @exclusivity(unchecked) private(set) var attached: UInt64 = 0

  /// Whether a look for attachments that were given up is worth it; needs no lock.
  let mayBeGivenUp = Atomic<Bool>(false)

  var isEmpty: Bool { attachments.isEmpty }

  /// Those whose owners have gone.
  var givenUp: [ResidentAttachment] { attachments.values.filter { $0.isGivenUp } }

  func isGivenUp(_ tree: UInt32) -> Bool { attachments[tree]?.isGivenUp ?? false }

  /// Whether the calling thread keeps others from changing one of the trees.
  var areLockedHere: Bool { attachments.values.contains { $0.owner.isLockedHere } }

  @inline(__always)
  func has(_ tree: UInt32) -> Bool { !attachments.isEmpty && attachments[tree] != nil }

  func attach(_ attachment: ResidentAttachment) {
    attachment.place = ObjectIdentifier(self)
    attachments[attachment.tree] = attachment
    attached += 1
  }

  func detach(_ tree: UInt32) {
    attachments.removeValue(forKey: tree)?.place = nil
  }

  /// Takes no commit any more.
  func close() { isClosed = true }

  /// Lets go of the owners, which may know the database.
  func removeAll() {
    for attachment in attachments.values { attachment.place = nil }
    attachments = [:]
    pending = WriteSet()
  }

  /// Those who own what a transaction changes, in the order of their trees, each once.
  ///
  /// Call under the writer lock.
  func owners(of transaction: WriteTransaction) -> [any ResidentContents] {
    if attachments.isEmpty { return [] }
    var owners: [any ResidentContents] = []
    for tree in transaction.changes.trees.sorted() {
      guard let owner = attachments[tree]?.owner, !owners.contains(where: { $0 === owner })
      else { continue }
      owners.append(owner)
    }
    return owners
  }
}

/// Changes that wait to be folded.
extension ResidentTrees {
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
    guard let attachment = attachments[change.tree] else { return }
    try note(change, pager)
    let owner = attachment.owner
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
}
