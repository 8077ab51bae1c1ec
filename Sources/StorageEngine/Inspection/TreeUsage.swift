// SPDX-License-Identifier: Apache-2.0

/// What a tree takes of the file, and how full its pages are.
public struct TreeUsage: Sendable, Equatable {
  /// Its name.
  public let name: String
  /// Bytes of its pages, those of values that lie in pages of their own included.
  public let bytes: UInt64
  /// How much of its leaves is in use, in percent.
  public let fillPercent: Int
  /// Whether not all leaves were looked at, so that the figures are estimates.
  public let isEstimate: Bool

  /// Describes a tree.
  public init(name: String, bytes: UInt64, fillPercent: Int, isEstimate: Bool) {
    self.name = name
    self.bytes = bytes
    self.fillPercent = fillPercent
    self.isEstimate = isEstimate
  }
}

extension Database {
  /// Leaves that are looked at in each tree.
  static let sampledLeaves = 256

  /// Says what each tree takes of the file, by name.
  ///
  /// Reads a few leaves of each, spread over the tree.
  public func treeUsage() throws(EngineError) -> [TreeUsage] {
    let view = try snapshot()
    defer { view.close() }
    var usage: [TreeUsage] = []
    for (name, id) in view.state.namedTrees() {
      guard let tree = view.state[id.rawValue] else { continue }
      var sample = LeafSample(pager)
      if tree.height > 0 {
        try sample.visit(tree.root, level: tree.height - 1, atMost: Self.sampledLeaves)
      }
      usage.append(sample.usage(of: tree, named: name))
    }
    return usage
  }
}

/// Adds up what some leaves hold.
private struct LeafSample {
  private let pager: Pager
  private var leaves = 0
  private var usedBytes = 0
  /// Pages of values that lie in none of the leaves.
  private var valuePages = 0

  init(_ pager: Pager) {
    self.pager = pager
  }

  /// Looks at up to `count` leaves below a page, spread evenly.
  mutating func visit(
    _ reference: PageReference, level: Int, atMost count: Int
  ) throws(EngineError) {
    var children: [PageReference] = []
    do {
      var fallback: AlignedBuffer?
      let epoch = pager.pool.epochs.enter()
      defer { pager.pool.epochs.leave(epoch) }
      let page = try pager.page(reference, fallback: &fallback)
      try pager.checkLevel(page, level)
      if level == 0 { return add(page) }
      let chosen = min(count, page.count)
      for position in 0..<chosen { children.append(page.child(position * page.count / chosen)) }
    }
    for child in children {
      try visit(child, level: level - 1, atMost: max(1, count / children.count))
    }
  }

  private mutating func add(_ leaf: PageView) {
    leaves += 1
    usedBytes += leaf.usedBytes(pageBytes: pager.pageBytes)
    for slot in 0..<leaf.count {
      switch leaf.form(slot) {
      case .inline: continue
      case .paged: valuePages += PagedValue.pageCount(leaf.value(slot))
      case .runs:
        let length = DirectValue(leaf.value(slot))?.length ?? 0
        valuePages += (length + pager.pageBytes - 1) / pager.pageBytes
      }
    }
  }

  func usage(of tree: TreeDescriptor, named name: String) -> TreeUsage {
    let all = Int(clamping: tree.leafPages)
    let room = max(1, leaves) * pager.geometry.valueBytesPerPage
    let perLeaf = Double(valuePages) / Double(max(1, leaves))
    let pages = Double(all) + Double(tree.branchPages) + perLeaf * Double(all)
    return TreeUsage(
      name: name, bytes: UInt64(exactly: (pages * Double(pager.pageBytes)).rounded()) ?? .max,
      fillPercent: usedBytes * 100 / room, isEstimate: leaves < all)
  }
}
