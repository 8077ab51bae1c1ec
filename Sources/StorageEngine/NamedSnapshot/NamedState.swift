// SPDX-License-Identifier: Apache-2.0

/// A state that is kept under a name.
struct NamedState {
  let name: TreeName
  /// The checkpoint that wrote it.
  let lsn: UInt64
  /// Milliseconds since 1970.
  let createdAt: UInt64
  /// All trees, the checksums of their roots as on disk.
  let trees: TreeSet
  /// Whether it was found when the store was opened: then there may be pages that only it sees and
  /// that no list of this process names.
  var isEarlier = false
  /// Whether its making failed after its entry was committed: nobody was told of it, and it goes as
  /// soon as there is room for the commit that removes it.
  var isUnwanted = false

  var information: NamedSnapshot {
    NamedSnapshot(name: name.text, lsn: lsn, createdAt: createdAt)
  }

  /// Whether another entry stands for the same state.
  func isSame(as other: NamedState) -> Bool {
    name == other.name && lsn == other.lsn
  }
}

extension Pager {
  /// The first LSN from which on named snapshots see the value of a slot that is about to go.
  ///
  /// The page that holds it may be younger than the value, and runs of pages carry no birth; but a
  /// value stays the same from its commit on, so that the newest snapshot that has another tells.
  func namedBirth(
    ofValue index: Int, in page: PageView, of tree: UInt32
  ) throws(EngineError) -> UInt64 {
    let named = snapshots.namedStates
    if named.isEmpty { return 0 }
    let form = page.form(index)
    let value = page.value(index)
    let key = page.key(index)
    for state in named.reversed() {
      if try !shows(state.trees, value, form, forKey: key, in: tree) { return state.lsn + 1 }
    }
    return 0
  }

  /// Whether a state has a value for a key that lies in the same pages.
  func shows(
    _ trees: TreeSet, _ value: Bytes, _ form: ValueForm, forKey key: [UInt8], in tree: UInt32
  ) throws(EngineError) -> Bool {
    guard let descriptor = trees[tree] else { return false }
    let found = try key.withBytes { (key) throws(EngineError) in
      try storedValue(forKey: key, in: descriptor)
    }
    guard let found, found.form == form else { return false }
    return found.bytes.withBytes { Self.firstPage($0, form) == Self.firstPage(value, form) }
  }

  /// The page that tells a value of pages of its own from every other.
  private static func firstPage(_ stored: Bytes, _ form: ValueForm) -> UInt64? {
    switch form {
    case .inline: nil
    case .paged:
      PagedValue.pageCount(stored) > 0 ? PagedValue.reference(stored, 0).number : nil
    case .runs:
      DirectValue(stored).flatMap { $0.list?.number ?? $0.runs.first?.first }
    }
  }
}
