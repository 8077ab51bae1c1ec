// SPDX-License-Identifier: Apache-2.0

/// Checks of a page on its way in from the disk, so that nothing behind it needs bounds checks.
///
/// A checksum shows that a page is what somebody wrote; these checks make sure that even a page
/// written by a hostile hand cannot lead a read outside its memory.
enum PageValidation {
  /// Returns what is wrong with the page, or `nil`.
  static func problem(_ page: PageView, number: UInt64, pageBytes: Int) -> String? {
    if page.number != number { return "is page \(page.number), written to the wrong place" }
    switch PageKind(rawValue: page.kind) {
    case .leaf:
      if page.level != 0 { return "is a leaf of level \(page.level)" }
      return slotsProblem(page, pageBytes: pageBytes)
    case .branch:
      if page.level == 0 || page.level > PageGeometry.maximumHeight {
        return "is a branch of level \(page.level)"
      }
      if page.count == 0 { return "is an empty branch" }
      return slotsProblem(page, pageBytes: pageBytes) ?? branchProblem(page)
    case .value, .runList, .catalog, .extentMap, .mapDirectory:
      let payload = Int(page.load32(PageLayout.payloadBytes))
      return payload > pageBytes - PageLayout.headerBytes
        ? "has a payload of \(payload) bytes" : nil
    case nil: return "has the unknown kind \(page.kind)"
    }
  }

  private static func slotsProblem(_ page: PageView, pageBytes: Int) -> String? {
    let heapStart = Int(page.load32(PageLayout.heapStart))
    let slotsEnd =
      PageLayout.headerBytes + page.count * (PageLayout.headBytes + PageLayout.slotBytes)
    guard slotsEnd <= heapStart, heapStart <= pageBytes else { return "has overlapping areas" }
    let prefixOffset = Int(page.load32(PageLayout.prefixOffset))
    let prefixLength = page.load16(PageLayout.prefixLength)
    if prefixLength > 0 && (prefixOffset < heapStart || prefixOffset + prefixLength > pageBytes) {
      return "has a prefix outside its heap"
    }
    if prefixLength == 0 && prefixOffset > pageBytes { return "has a prefix outside its heap" }
    var used = prefixLength
    for index in 0..<page.count {
      let slot = page.slotOffset(index)
      let offset = page.load16(slot)
      let keyLength = page.load16(slot + 2)
      let end = offset + keyLength + page.load16(slot + 4)
      guard offset >= heapStart, end <= pageBytes,
        prefixLength + keyLength <= PageGeometry.maximumKeyBytes,
        page.load16(slot + 6) <= Int(ValueForm.runs.rawValue)
      else { return "has slot \(index) out of bounds" }
      used += end - offset
    }
    // Slots that share bytes would need more room than the page has once it is rewritten.
    guard used + Int(page.load32(PageLayout.heapGarbage)) == pageBytes - heapStart else {
      return "has \(pageBytes - heapStart) bytes of heap, of which \(used) are used"
    }
    return nil
  }

  private static func branchProblem(_ page: PageView) -> String? {
    for index in 0..<page.count where page.value(index).count != PageLayout.referenceBytes {
      return "has a child reference of \(page.value(index).count) bytes"
    }
    return nil
  }
}
