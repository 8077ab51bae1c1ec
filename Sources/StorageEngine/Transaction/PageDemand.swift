// SPDX-License-Identifier: Apache-2.0

/// What changes of one tree add to it, as far as that can be told without looking at the tree, and
/// how many pages they can take at most.
///
/// The bounds hold whatever the tree contains, because a commit must not run out of space half-way:
/// - a page that is split leaves two that are at most half full and one entry more, so that each
///   can only be split again after the rest of it was put;
/// - a page that was there can be split for the first time by any entry;
/// - entries behind all others leave full pages behind.
struct PageDemand {
  /// Added to each bound for what its divisions leave out.
  private static let roundingPages = 4

  private(set) var puts = 0
  private(set) var deletes = 0
  /// Bytes of the entries in their leaves.
  private var leafBytes = 0
  private var valuePages = 0
  private var largestEntry = 0
  private var longestKey = 0

  var count: Int { puts + deletes }

  mutating func add(_ change: KeyChange, _ geometry: PageGeometry) {
    guard change.operation != .delete else { return deletes += 1 }
    puts += 1
    var share = change.value.count
    if change.operation == .put, change.key.count + share > geometry.maximumInlineBytes {
      let pages = (share + geometry.valueBytesPerPage - 1) / geometry.valueBytesPerPage
      valuePages += pages
      share = PagedValue.offset(ofReference: pages)
    }
    let bytes = PageView.entryBytes(suffix: change.key.count, value: share)
    leafBytes += bytes
    largestEntry = max(largestEntry, bytes)
    longestKey = max(longestKey, change.key.count)
  }

  mutating func add(_ other: PageDemand) {
    puts += other.puts
    deletes += other.deletes
    leafBytes += other.leafBytes
    valuePages += other.valuePages
    largestEntry = max(largestEntry, other.largestEntry)
    longestKey = max(longestKey, other.longestKey)
  }

  /// The pages that they take at most, whichever leaves of a tree they touch.
  func mostPages(in tree: TreeDescriptor, _ geometry: PageGeometry) -> Int {
    if tree.height == 0 { return mostPages(behindAllOfHeight: 0, geometry) }
    let leaves = Int(clamping: tree.leafPages)
    let touched = TouchedLeaves(
      all: min(count, leaves), withPuts: min(puts, leaves),
      merges: min(deletes, TouchedLeaves.mostMergesOfLeaf * min(deletes, leaves)))
    return mostPages(in: tree, touching: touched, geometry)
  }

  /// The pages that they take at most in known leaves: copies of what they touch, and new ones.
  func mostPages(
    in tree: TreeDescriptor, touching touched: TouchedLeaves, _ geometry: PageGeometry
  ) -> Int {
    let above = max(0, tree.height - 1)
    let branches = min(touched.all * above, Int(clamping: tree.branchPages))
    // A page that was joined with a neighbour may have to be split for the first time once more.
    let merges = puts == 0 ? 0 : touched.merges
    let leafRoom = geometry.capacity / 2 - geometry.largestEntry
    let branchRoom = geometry.capacity / 2 - PageGeometry.largestSeparator
    var splits = puts == 0 ? 0 : touched.withPuts + merges + leafBytes / leafRoom
    var new = splits
    for _ in 0..<above {
      let again = splits * PageGeometry.largestSeparator / branchRoom
      let first = merges > 0 ? 1 + TouchedLeaves.mostMergesOfLeaf : 1
      splits = min(splits, branches * first + again)
      new += splits
    }
    // What is above the old root has at least two entries in each page.
    while splits > 0 {
      splits /= 2
      new += splits + 1
    }
    return touched.all + branches + new + valuePages + tree.height + Self.roundingPages
  }

  /// The new pages that they take at most where they lie behind all that a tree of that height has.
  func mostPages(behindAllOfHeight height: Int, _ geometry: PageGeometry) -> Int {
    if puts == 0 { return 0 }
    let separator = longestKey + PageGeometry.separatorBytes
    var pages = leafBytes / (geometry.capacity - largestEntry) + 1
    var new = pages
    var level = 1
    while pages > 1 || level < height {
      pages = pages * separator / (geometry.capacity - separator) + 1
      new += pages
      level += 1
    }
    return new + valuePages + Self.roundingPages
  }
}

/// How many leaves of a tree changes touch.
struct TouchedLeaves {
  /// How often one page may be joined with a neighbour: again only after most of what was left of
  /// its entries is gone as well.
  static let mostMergesOfLeaf = 3

  var all = 0
  /// Those in which something is put.
  var withPuts = 0
  /// How often one may be joined with a neighbour and then have more put into it.
  var merges = 0
}

extension PageGeometry {
  /// Bytes for entries.
  fileprivate var capacity: Int { pageBytes - PageLayout.headerBytes }

  /// The most that an entry of a leaf takes: the longest that lies in it whole, or the longest key
  /// with the share of the longest value.
  fileprivate var largestEntry: Int {
    let pages = (Self.directValueBytes + valueBytesPerPage - 1) / valueBytesPerPage
    let share = max(
      PagedValue.offset(ofReference: pages), DirectValue.maximumEncodedBytes)
    return PageView.entryBytes(
      suffix: 0, value: max(maximumInlineBytes, Self.maximumKeyBytes + share))
  }

  /// What an entry of a branch takes beside its key.
  fileprivate static let separatorBytes = PageView.entryBytes(
    suffix: 0, value: PageLayout.referenceBytes)

  fileprivate static let largestSeparator = maximumKeyBytes + separatorBytes
}
