// SPDX-License-Identifier: Apache-2.0

/// Copying entries from page to page, with another prefix where the fences have come closer.
extension PageView {
  /// Appends the slots `range` of `source`.
  ///
  /// The prefix of this page must begin with that of `source` or the other way round, and cover
  /// every key copied.
  ///
  /// With `openFirst` the key of the first slot copied is dropped: in a branch it counts as
  /// below every key.
  func append(_ range: Range<Int>, of source: PageView, openFirst: Bool = false) {
    let sourcePrefix = source.prefix
    let ownPrefix = load16(PageLayout.prefixLength)
    for index in range {
      let suffix = source.keySuffix(index)
      let value = source.value(index)
      let form = source.form(index)
      if openFirst && index == range.lowerBound {
        insert(count, suffix: suffix.prefix(0), value: value, form: form)
      } else if ownPrefix >= sourcePrefix.count {
        // In a forged page keys may be shorter than what they should have in common.
        let shared = min(ownPrefix - sourcePrefix.count, suffix.count)
        insert(count, suffix: suffix.dropFirst(shared), value: value, form: form)
      } else {
        appendWidened(sourcePrefix.dropFirst(ownPrefix), suffix, value, form)
      }
    }
    store16(0, PageLayout.appendRun)
  }

  /// Appends an entry whose key behind the prefix is two pieces.
  private func appendWidened(_ first: Bytes, _ second: Bytes, _ value: Bytes, _ form: ValueForm) {
    PageView.withTemporary(first.count + second.count + 1) { key in
      key.copy(first, to: 0)
      key.copy(second, to: first.count)
      insert(count, suffix: key.bytes(0, first.count + second.count), value: value, form: form)
    }
  }

  /// Bytes the slots `range` of this page would use in a page with a prefix of `prefixLength`.
  func bytes(of range: Range<Int>, prefixLength: Int) -> Int {
    let shift = load16(PageLayout.prefixLength) - prefixLength
    var total = prefixLength
    for index in range {
      let slot = slotOffset(index)
      total += PageView.entryBytes(
        suffix: max(0, load16(slot + 2) + shift), value: load16(slot + 4))
    }
    return total
  }

  /// Rewrites the heap without garbage, using `scratch`, a page of the same size.
  func compact(scratch: PageView, pageBytes: Int) {
    scratch.copyPage(from: self, pageBytes: pageBytes)
    let run = load16(PageLayout.appendRun)
    store16(0, PageLayout.count)
    store32(UInt32(pageBytes), PageLayout.heapStart)
    store32(0, PageLayout.heapGarbage)
    setPrefix(scratch.prefix)
    append(0..<scratch.count, of: scratch)
    store16(run, PageLayout.appendRun)
  }
}
