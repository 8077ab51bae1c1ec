// SPDX-License-Identifier: Apache-2.0

/// Looking through pages that nothing refers to.
extension Salvage {
  /// Looks through all pages for leaves with keys that are missing; of several entries of one key
  /// the youngest counts.
  mutating func copyStrayEntries() throws {
    let missing = gaps.mapValues(KeyRanges.init)
    // Only keys are kept in memory; the values are read in a second round.
    var found: [UInt32: [[UInt8]: Place]] = [:]
    try forEachStray(missing) { stray in
      guard stray.place.birth >= found[stray.tree]?[stray.key]?.birth ?? 0,
        (try? stray.value(self.pager)) != nil
      else { return }
      found[stray.tree, default: [:]][stray.key] = stray.place
    }
    var salvage = self
    try forEachStray(missing) { stray in
      guard found[stray.tree]?[stray.key] == stray.place else { return }
      let value: [UInt8]
      do throws(EngineError) {
        value = try stray.value(salvage.pager)
      } catch {
        // A disk may give once what it does not give again.
        return try salvage.lose(
          stray.tree, KeyRange(from: stray.key, upTo: stray.key + [0]), error)
      }
      try salvage.keep(stray.tree, stray.key, value)
      if let place = salvage.places[stray.tree] { salvage.report.trees[place].strayEntries += 1 }
    }
    self = salvage
    try flush()
  }

  /// Where an entry was found that nothing refers to.
  private struct Place: Equatable {
    let birth: UInt64
    let page: UInt64
  }

  /// An entry that nothing refers to, in a page that is in memory now.
  private struct Stray {
    let place: Place
    let tree: UInt32
    let key: [UInt8]
    fileprivate let page: PageView
    fileprivate let slot: Int

    func value(_ pager: Pager) throws(EngineError) -> [UInt8] {
      try pager.wholeValueFromDisk(page.form(slot), page.value(slot).array)
    }
  }

  /// Passes on the entries of intact leaves whose keys are `missing` in their trees.
  private func forEachStray(
    _ missing: [UInt32: KeyRanges], _ body: (Stray) throws -> Void
  ) throws {
    try intactPages.forEach { number, page in
      guard page.isLeaf, let ranges = missing[page.tree] else { return }
      let place = Place(birth: page.birth, page: number)
      for slot in 0..<page.count {
        let key = page.key(slot)
        guard ranges.contains(key) else { continue }
        try body(Stray(place: place, tree: page.tree, key: key, page: page, slot: slot))
      }
    }
  }
}
