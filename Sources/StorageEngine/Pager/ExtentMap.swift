// SPDX-License-Identifier: Apache-2.0

/// Who owns an extent of the file.
enum ExtentOwner: UInt8 {
  case free = 0
  case pages = 1
  case log = 2
}

/// Owner and page bitmaps of every extent.
///
/// Three bits a page: `allocated` (may not be handed out), `dead` (allocated, but not part of
/// the working state: retired and not yet reusable, or not yet committed), and `kept` (dead, but
/// part of a named snapshot). A checkpoint persists `allocated` without `dead`, and `kept`. Page 0
/// is never handed out, so that zero can mean "no page".
struct ExtentMap {
  let pagesPerExtent: Int
  let wordsPerExtent: Int
  private(set) var owners: [ExtentOwner] = []
  private(set) var allocated: [UInt64] = []
  private(set) var dead: [UInt64] = []
  private(set) var kept: [UInt64] = []
  private var freeCounts: [Int32] = []
  private var lowestCandidate = 0
  private var lowestFreeExtent = 0
  /// From here on all extents are as the growth of the file left them: they read as zeros.
  private(set) var firstUnwritten = 0
  /// Pages that can be handed out without taking a further extent.
  private(set) var freePages = 0
  private(set) var freeExtents = 0

  init(geometry: PageGeometry) {
    pagesPerExtent = geometry.pagesPerExtent
    wordsPerExtent = max(1, pagesPerExtent / 64)
  }

  var extentCount: Int { owners.count }

  /// Bits of a word that stand for pages (fewer than 64 when an extent has fewer pages).
  private var fullWord: UInt64 { pagesPerExtent >= 64 ? .max : (1 << UInt64(pagesPerExtent)) - 1 }

  mutating func grow(toExtents count: Int) {
    while owners.count < count {
      owners.append(.free)
      allocated.append(contentsOf: repeatElement(0, count: wordsPerExtent))
      dead.append(contentsOf: repeatElement(0, count: wordsPerExtent))
      kept.append(contentsOf: repeatElement(0, count: wordsPerExtent))
      freeCounts.append(0)
      freeExtents += 1
    }
  }

  /// Notes that `count` extents, also free ones, may hold what was written once.
  mutating func noteWritten(_ count: Int) {
    firstUnwritten = max(firstUnwritten, count)
  }

  /// How many extents at the end are free.
  var freeTail: Int { owners.reversed().prefix { $0 == .free }.count }

  /// Forgets free extents at the end of the file.
  mutating func trim(toExtents count: Int) {
    let count = max(count, owners.count - freeTail)
    guard count < owners.count else { return }
    freeExtents -= owners.count - count
    owners.removeLast(owners.count - count)
    allocated.removeLast(allocated.count - count * wordsPerExtent)
    dead.removeLast(dead.count - count * wordsPerExtent)
    kept.removeLast(kept.count - count * wordsPerExtent)
    freeCounts.removeLast(freeCounts.count - count)
    lowestCandidate = min(lowestCandidate, count)
    lowestFreeExtent = min(lowestFreeExtent, count)
  }

  private func position(_ number: UInt64) -> (extent: Int, word: Int, bit: UInt64) {
    let extent = Int(number) / pagesPerExtent
    let page = Int(number) % pagesPerExtent
    return (extent, extent * wordsPerExtent + page / 64, 1 << UInt64(page % 64))
  }

  /// Whether the file has such a page.
  ///
  /// A forged file may name any number; what does not exist is never free, and changes nothing.
  private func exists(_ number: UInt64) -> Bool {
    number < UInt64(owners.count * pagesPerExtent)
  }

  func isAllocated(_ number: UInt64) -> Bool {
    guard exists(number) else { return true }
    let (_, word, bit) = position(number)
    return allocated[word] & bit != 0
  }

  func isDead(_ number: UInt64) -> Bool {
    guard exists(number) else { return false }
    let (_, word, bit) = position(number)
    return dead[word] & bit != 0
  }

  mutating func setDead(_ number: UInt64, _ isDead: Bool) {
    guard exists(number) else { return }
    let (_, word, bit) = position(number)
    if isDead { dead[word] |= bit } else { dead[word] &= ~bit }
  }

  func isKept(_ number: UInt64) -> Bool {
    guard exists(number) else { return false }
    let (_, word, bit) = position(number)
    return kept[word] & bit != 0
  }

  mutating func setKept(_ number: UInt64, _ isKept: Bool) {
    guard exists(number) else { return }
    let (_, word, bit) = position(number)
    if isKept { kept[word] |= bit } else { kept[word] &= ~bit }
  }

  /// Changes the owner of an extent.
  ///
  /// A new extent of pages begins with all its pages free.
  mutating func setOwner(_ extent: Int, _ owner: ExtentOwner) {
    let old = owners[extent]
    guard old != owner else { return }
    if old == .free {
      freeExtents -= 1
      firstUnwritten = max(firstUnwritten, extent + 1)
    }
    if owner == .free {
      freeExtents += 1
      lowestFreeExtent = min(lowestFreeExtent, extent)
      lowestCandidate = min(lowestCandidate, extent)
    }
    if old == .pages { freePages -= Int(freeCounts[extent]) }
    owners[extent] = owner
    freeCounts[extent] = 0
    if owner == .pages {
      freeCounts[extent] = Int32(pagesPerExtent)
      freePages += pagesPerExtent
      lowestCandidate = min(lowestCandidate, extent)
      if extent == 0 { markAllocated(0) }
    }
  }

  /// The lowest free extent.
  var lowestFree: Int? {
    mutating get {
      while lowestFreeExtent < owners.count && owners[lowestFreeExtent] != .free {
        lowestFreeExtent += 1
      }
      return lowestFreeExtent < owners.count ? lowestFreeExtent : nil
    }
  }

  /// Takes the lowest free extent.
  mutating func takeExtent(for owner: ExtentOwner) -> Int? {
    guard let extent = lowestFree else { return nil }
    setOwner(extent, owner)
    return extent
  }

  /// Takes the lowest free extent, and free ones behind it, up to `wanted` altogether.
  mutating func takeExtents(_ wanted: Int, for owner: ExtentOwner) -> Range<Int>? {
    guard let first = takeExtent(for: owner) else { return nil }
    var end = first + 1
    while end < first + wanted, end < owners.count, owners[end] == .free {
      setOwner(end, owner)
      end += 1
    }
    return first..<end
  }

  /// Takes the lowest free page, which may be the first of a free extent; `nil` when there is none.
  ///
  /// A free extent below one that has room comes first: otherwise what is moved towards the
  /// beginning of the file might stay where it is.
  mutating func takePage() -> UInt64? {
    while lowestCandidate < owners.count {
      let extent = lowestCandidate
      if owners[extent] == .free { setOwner(extent, .pages) }
      if owners[extent] == .pages && freeCounts[extent] > 0 {
        for index in 0..<wordsPerExtent {
          let free = ~allocated[extent * wordsPerExtent + index] & fullWord
          if free != 0 {
            let number = extent * pagesPerExtent + index * 64 + free.trailingZeroBitCount
            markAllocated(UInt64(number))
            return UInt64(number)
          }
        }
      }
      lowestCandidate += 1
    }
    return nil
  }

  /// Takes up to `wanted` consecutive pages of one extent: the lowest run that is long enough, which
  /// may begin a free extent, or else the longest found, as long as it has `minimum` pages.
  mutating func takeRun(_ wanted: Int, atLeast minimum: Int) -> (first: UInt64, count: Int)? {
    var best: (first: Int, count: Int)?
    for extent in owners.indices where owners[extent] != .log {
      if owners[extent] == .free {
        best = (extent * pagesPerExtent, wanted)
        break
      }
      guard Int(freeCounts[extent]) >= minimum, best?.count ?? 0 < Int(freeCounts[extent])
      else { continue }
      var start = 0
      for page in 0...pagesPerExtent {
        let isFree = page < pagesPerExtent && !isAllocated(UInt64(extent * pagesPerExtent + page))
        if isFree { continue }
        if page - start > best?.count ?? 0 {
          best = (extent * pagesPerExtent + start, min(page - start, wanted))
        }
        if best?.count == wanted { break }
        start = page + 1
      }
      if best?.count == wanted { break }
    }
    guard let best, best.count >= minimum else { return nil }
    let extent = best.first / pagesPerExtent
    if owners[extent] == .free { setOwner(extent, .pages) }
    for page in best.first..<best.first + best.count { markAllocated(UInt64(page)) }
    return (UInt64(best.first), best.count)
  }

  /// Marks a free page as taken.
  mutating func markAllocated(_ number: UInt64) {
    guard exists(number) else { return }
    let (extent, word, bit) = position(number)
    guard allocated[word] & bit == 0 else { return }
    allocated[word] |= bit
    freeCounts[extent] -= 1
    freePages -= 1
  }

  /// Makes a page available again.
  mutating func release(_ number: UInt64) {
    guard exists(number) else { return }
    let (extent, word, bit) = position(number)
    guard allocated[word] & bit != 0 else { return }
    allocated[word] &= ~bit
    dead[word] &= ~bit
    kept[word] &= ~bit
    freeCounts[extent] += 1
    freePages += 1
    lowestCandidate = min(lowestCandidate, extent)
    if Int(freeCounts[extent]) == pagesPerExtent { setOwner(extent, .free) }
  }

  /// Gives back the extents of pages of which none is in use.
  mutating func freeEmptyExtents() {
    for extent in owners.indices where owners[extent] == .pages && isEmpty(extent) {
      setOwner(extent, .free)
    }
  }

  /// Whether no page of an extent is in use.
  func isEmpty(_ extent: Int) -> Bool {
    (0..<wordsPerExtent).allSatisfy { allocated[extent * wordsPerExtent + $0] == 0 }
  }

  /// What a checkpoint persists: the pages that are part of the working state, or of a named
  /// snapshot.
  func reachable() -> [UInt64] {
    allocated.indices.map { allocated[$0] & (~dead[$0] | kept[$0]) }
  }
}
