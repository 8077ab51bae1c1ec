// SPDX-License-Identifier: Apache-2.0

/// Looking through pages that nothing refers to.
extension Salvage {
  /// Looks through all pages for leaves with keys that are missing; of several entries of one key
  /// the youngest counts.
  mutating func copyStrayEntries() throws {
    // Only keys are kept in memory; the values are read in a second round.
    var found: [UInt32: [[UInt8]: Stray]] = [:]
    try forEachStrayEntry { stray, page, slot in
      let key = page.key(slot)
      guard stray.birth >= found[page.tree]?[key]?.birth ?? 0,
        (try? self.pager.wholeValue(page.form(slot), page.value(slot).array)) != nil
      else { return }
      found[page.tree, default: [:]][key] = stray
    }
    var salvage = self
    try forEachStrayEntry { stray, page, slot in
      let key = page.key(slot)
      guard found[page.tree]?[key] == stray else { return }
      let value: [UInt8]
      do throws(EngineError) {
        value = try salvage.pager.wholeValue(page.form(slot), page.value(slot).array)
      } catch {
        // A disk may give once what it does not give again.
        return try salvage.lose(page.tree, KeyRange(from: key, upTo: key + [0]), error)
      }
      try salvage.keep(page.tree, key, value)
      if let place = salvage.places[page.tree] { salvage.report.trees[place].strayEntries += 1 }
    }
    self = salvage
    try flush()
  }

  /// Where an entry was found that nothing refers to.
  private struct Stray: Equatable {
    let birth: UInt64
    let page: UInt64
  }

  /// Passes on the entries of intact leaves whose keys are missing.
  private func forEachStrayEntry(_ body: (Stray, PageView, Int) throws -> Void) throws {
    try intactPages.forEach { number, page in
      guard page.isLeaf, let gaps = gaps[page.tree] else { return }
      for slot in 0..<page.count where gaps.contains(where: { $0.contains(page.key(slot)) }) {
        try body(Stray(birth: page.birth, page: number), page, slot)
      }
    }
  }
}
