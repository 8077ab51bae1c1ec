// SPDX-License-Identifier: Apache-2.0

/// How far the file could shrink.
extension Pager {
  /// Free extents at the end that are kept, so that a file that grows again need not at once.
  private static let leastTail = 2

  private var keptTail: Int { max(Self.leastTail, map.extentCount / 8) }

  /// Takes free extents at the end out of the map, but for a few.
  ///
  /// The next superblock does not have them any more; the file is cut when neither has.
  func trimMap() {
    let tail = map.freeTail
    if keepsNoTail { return map.trim(toExtents: map.extentCount - tail) }
    if tail > 2 * keptTail { map.trim(toExtents: map.extentCount - tail + keptTail) }
  }

  /// For so many extents in use one more is kept to work with: in a file that shrinks by itself, and
  /// behind a compaction.
  static let spareDivisor = 8
  static let compactedSpareDivisor = 64

  /// Extents that everything in use would fill, and a few to work with.
  func neededExtents(spareDivisor: Int = spareDivisor) -> Int {
    let logExtents = map.owners.lazy.filter { $0 == .log }.count
    let pageExtents = map.extentCount - logExtents - map.freeExtents
    let usedPages = pageExtents * geometry.pagesPerExtent - map.freePages
    let whole = (usedPages + geometry.pagesPerExtent - 1) / geometry.pagesPerExtent
    return whole + logExtents + max(Self.leastTail, whole / spareDivisor)
  }

  /// Whether snapshots are known to keep all that lies too far up where it is.
  ///
  /// New pages take the lowest places, so that this stays so until a name is dropped, or the oldest
  /// view that was open then is closed.
  var isPinned: Bool {
    guard let vainSearch else { return false }
    let views = snapshots.current()
    if let oldest = vainSearch.oldestView, views.lsns.first == oldest { return true }
    return !views.named.isEmpty && vainSearch.namedGeneration == views.namedGeneration
  }

  /// Notes that nothing could be moved.
  func notePinned() {
    let views = snapshots.current()
    vainSearch = (views.namedGeneration, views.lsns.first)
  }

  /// Whether enough is free between what is in use that moving pages down is worth it.
  var isSparse: Bool {
    let inUse = map.extentCount - map.freeTail
    return inUse - neededExtents() > max(4, inUse / 4)
  }
}
