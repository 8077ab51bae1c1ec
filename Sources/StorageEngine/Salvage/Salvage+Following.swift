// SPDX-License-Identifier: Apache-2.0

/// Following the trees.
extension Salvage {
  mutating func copy(
    _ reference: PageReference, _ level: Int, of tree: UInt32, _ range: KeyRange
  ) throws {
    let buffer = try AlignedBuffer(count: pager.pageBytes)
    let page = buffer.page(at: 0)
    do throws(EngineError) {
      try pager.readFromDisk(reference, into: buffer)
      try pager.checkLevel(page, level)
      guard page.tree == tree, followed.insert(reference.number) else {
        throw pager.damage(reference.number, "is part of another structure")
      }
    } catch {
      return try lose(tree, range, error)
    }
    if level == 0 { return try copyEntries(page, of: tree) }
    try progress(copied)
    for index in 0..<page.count {
      let child = KeyRange(
        from: index == 0 ? range.lower : page.key(index),
        upTo: index + 1 < page.count ? page.key(index + 1) : range.upper)
      try copy(page.child(index), level - 1, of: tree, child)
    }
  }

  private mutating func copyEntries(_ page: PageView, of tree: UInt32) throws {
    for slot in 0..<page.count {
      let key = page.key(slot)
      let value: [UInt8]
      do throws(EngineError) {
        value = try pager.wholeValueFromDisk(page.form(slot), page.value(slot).array)
      } catch {
        try lose(tree, KeyRange(from: key, upTo: key + [0]), error)
        continue
      }
      try keep(tree, key, value)
    }
  }
}
