// SPDX-License-Identifier: Apache-2.0

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
  /// Pages that folding `pending` takes at most, and those for what is being folded.
  @safe @exclusivity(unchecked) private var pendingPages = 0
  @safe @exclusivity(unchecked) private var foldingPages = 0

  var isEmpty: Bool { attachments.isEmpty }

  @inline(__always)
  func has(_ tree: UInt32) -> Bool { !attachments.isEmpty && attachments[tree] != nil }

  func attach(_ attachment: ResidentAttachment) {
    attachment.place = ObjectIdentifier(self)
    attachments[attachment.tree] = attachment
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
  ///
  /// The pages for it were reserved with the transaction's own.
  func take(_ change: KeyChange, in set: TreeSet, _ pager: Pager) throws(EngineError) {
    guard let attachment = attachments[change.tree] else { return }
    count(change, attachment, in: set, pager)
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

  /// Takes out all that has to be folded; the pages for it stay reserved until `endFold`.
  func takePending(_ pager: Pager) -> WriteSet {
    defer {
      pending = WriteSet()
      pendingCount = 0
      foldingPages += pendingPages
      resetDemands(pager)
    }
    return pending
  }

  /// Gives up the pages that were reserved for what has been folded.
  func endFold(_ pager: Pager) {
    foldingPages = 0
    showReserved(pager)
  }

  /// Puts back changes that could not be folded; what came since counts for more.
  ///
  /// Their pages stay reserved as those of a fold that goes on.
  func putBack(_ changes: some ChangeSource, _ pager: Pager) throws(EngineError) {
    let later = pending
    pending = WriteSet()
    pendingCount = 0
    var changes = changes
    while let change = changes.current {
      try note(change, pager)
      try changes.advance()
    }
    for entry in later.entries { try note(entry.change, pager) }
  }
}

/// Pages that folding will take.
extension ResidentTrees {
  /// Makes sure that there are pages for a change, beside those for what waits.
  ///
  /// - Throws: `.outOfSpace`; nothing is changed then.
  func reserve(
    _ change: KeyChange, _ attachment: ResidentAttachment, in set: TreeSet, _ pager: Pager
  ) throws(EngineError) {
    let (demand, pages) = (attachment.demand, attachment.pages)
    count(change, attachment, in: set, pager)
    do throws(EngineError) {
      try pager.ensure(pages: pager.foldPages + pager.keptPages(trees: set.trees.count))
    } catch {
      restore(demand, pages, of: attachment, pager)
      throw error
    }
  }

  /// The same for several changes.
  func reserve(
    _ changes: some ChangeSource, _ given: [ResidentAttachment], in set: TreeSet, _ pager: Pager
  ) throws(EngineError) {
    let before = given.map { ($0, $0.demand, $0.pages) }
    var changes = changes
    while let change = changes.current {
      if let attachment = attachments[change.tree] { count(change, attachment, in: set, pager) }
      try changes.advance()
    }
    do throws(EngineError) {
      try pager.ensure(pages: pager.foldPages + pager.keptPages(trees: set.trees.count))
    } catch {
      for (attachment, demand, pages) in before { restore(demand, pages, of: attachment, pager) }
      throw error
    }
  }

  private func count(
    _ change: KeyChange, _ attachment: ResidentAttachment, in set: TreeSet, _ pager: Pager
  ) {
    attachment.demand.add(change, pager.geometry)
    let tree = set[change.tree] ?? TreeDescriptor(id: change.tree)
    let pages = attachment.demand.mostPages(in: tree, pager.geometry)
    pendingPages += pages - attachment.pages
    attachment.pages = pages
    showReserved(pager)
  }

  private func restore(
    _ demand: PageDemand, _ pages: Int, of attachment: ResidentAttachment, _ pager: Pager
  ) {
    pendingPages += pages - attachment.pages
    attachment.demand = demand
    attachment.pages = pages
    showReserved(pager)
  }

  private func resetDemands(_ pager: Pager) {
    for attachment in attachments.values {
      attachment.demand = PageDemand()
      attachment.pages = 0
    }
    pendingPages = 0
    showReserved(pager)
  }

  private func showReserved(_ pager: Pager) {
    let pages = pendingPages + foldingPages
    // A fold takes some room in the log as well.
    pager.foldPages = pages == 0 ? 0 : pages + pager.geometry.pagesPerExtent
  }
}
