// SPDX-License-Identifier: Apache-2.0

/// A set of page numbers: a bit each.
struct PageSet {
  private var words: [UInt64] = []

  /// Adds a page; false when it was there.
  mutating func insert(_ number: UInt64) -> Bool {
    // A forged file may name any number; none beyond the largest file is ever followed.
    guard number < UInt64(PageTable.maximumPages) else { return false }
    let word = Int(number / 64)
    if word >= words.count {
      words.append(contentsOf: repeatElement(0, count: max(word + 1 - words.count, words.count)))
    }
    let bit = UInt64(1) << (number % 64)
    defer { words[word] |= bit }
    return words[word] & bit == 0
  }
}

/// Finds the pages that named snapshots see and other states do not.
///
/// A page never changes, so where two states share one they share all below it, and no walk goes
/// there twice. The numbers of leaves come from branches alone; only leaves that are found are
/// read, for the values that lie outside of them.
struct SnapshotPages {
  struct Found {
    let number: UInt64
    let birth: UInt64
  }

  private let pager: Pager
  private var reached = PageSet()
  /// States whose pages are not looked for.
  private var others: [TreeSet] = []
  private(set) var found: [Found] = []

  /// Begins with the pages of some states, none of which are looked for.
  init(pager: Pager, besides states: [TreeSet]) throws(EngineError) {
    self.pager = pager
    for state in states {
      for tree in state.trees where tree.height > 0 { try mark(tree.root, tree.height - 1) }
    }
    others = states
  }

  private mutating func mark(_ reference: PageReference, _ level: Int) throws(EngineError) {
    guard reached.insert(reference.number), level > 0 else { return }
    for child in try branch(reference, level).children { try mark(child, level - 1) }
  }

  private func branch(
    _ reference: PageReference, _ level: Int
  ) throws(EngineError) -> (birth: UInt64, children: [PageReference]) {
    var fallback: AlignedBuffer?
    let epoch = pager.pool.epochs.enter()
    defer { pager.pool.epochs.leave(epoch) }
    let page = try pager.page(reference, fallback: &fallback)
    try pager.checkLevel(page, level)
    return (page.birth, (0..<page.count).map { page.child($0) })
  }

  /// Adds the pages of a named snapshot that were not reached before.
  ///
  /// What is damaged is passed over: it stays marked as used, which a check reports.
  mutating func collect(_ state: TreeSet) throws(EngineError) {
    for tree in state.trees where tree.height > 0 {
      try collect(tree.root, tree.height - 1, tree.id)
    }
    others.append(state)
  }

  private mutating func collect(
    _ reference: PageReference, _ level: Int, _ tree: UInt32
  ) throws(EngineError) {
    guard reached.insert(reference.number) else { return }
    do throws(EngineError) {
      if level == 0 { return try collectLeaf(reference, tree) }
      let branch = try branch(reference, level)
      found.append(Found(number: reference.number, birth: branch.birth))
      for child in branch.children { try collect(child, level - 1, tree) }
    } catch {
      guard case .corrupt = error else { throw error }
    }
  }

  private mutating func collectLeaf(
    _ reference: PageReference, _ tree: UInt32
  ) throws(EngineError) {
    var values: [(key: [UInt8], form: ValueForm, stored: [UInt8])] = []
    do {
      var fallback: AlignedBuffer?
      let epoch = pager.pool.epochs.enter()
      defer { pager.pool.epochs.leave(epoch) }
      let page = try pager.page(reference, fallback: &fallback)
      try pager.checkLevel(page, 0)
      found.append(Found(number: reference.number, birth: page.birth))
      for index in 0..<page.count where page.form(index) != .inline {
        values.append((page.key(index), page.form(index), page.value(index).array))
      }
    }
    for value in values where try !isShared(value.key, value.form, value.stored, tree) {
      for number in try pages(value.form, value.stored) where reached.insert(number) {
        found.append(Found(number: number, birth: 0))
      }
    }
  }

  /// Whether another state has the value in a leaf of its own.
  private func isShared(
    _ key: [UInt8], _ form: ValueForm, _ stored: [UInt8], _ tree: UInt32
  ) throws(EngineError) -> Bool {
    for other in others {
      let isShown = try stored.withBytes { (bytes) throws(EngineError) in
        try pager.shows(other, bytes, form, forKey: key, in: tree)
      }
      if isShown { return true }
    }
    return false
  }

  private func pages(_ form: ValueForm, _ stored: [UInt8]) throws(EngineError) -> [UInt64] {
    try stored.withBytes { (bytes) throws(EngineError) in
      switch form {
      case .inline: return []
      case .paged:
        return (0..<PagedValue.pageCount(bytes)).map { PagedValue.reference(bytes, $0).number }
      case .runs:
        guard let value = DirectValue(bytes) else { return [] }
        let (runs, lists) = try pager.runs(of: value)
        return runs.flatMap { $0.first..<$0.first + UInt64($0.count) } + lists
      }
    }
  }
}

extension Pager {
  /// Takes pages that named snapshots kept from earlier sessions out of use.
  ///
  /// Those that left the working state since the file was opened are in the lists already. Call
  /// under `structureLock`.
  func retireKept(_ pages: [SnapshotPages.Found]) {
    for page in pages where map.isAllocated(page.number) && !map.isDead(page.number) {
      // Whoever has one of the snapshots open still sees it, but no name keeps it.
      retire(page.number, birth: page.birth, namedBirth: .max)
    }
  }

  /// How many of some pages are in use and in none of the lists.
  func countKept(_ pages: [SnapshotPages.Found]) -> Int {
    pages.count { map.isAllocated($0.number) && !map.isDead($0.number) }
  }
}
