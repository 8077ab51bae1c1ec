// SPDX-License-Identifier: Apache-2.0

/// Visits the entries of one state of a tree in ascending order, without copying them: they are lent
/// leaf by leaf, each inside an epoch.
struct TreeVisit {
  private let pager: Pager
  private let tree: TreeDescriptor
  /// The first key to visit next; `nil` for the first of all.
  private var lower: [UInt8]?
  /// The key to stop at; `nil` for none.
  private let upper: [UInt8]?

  init(pager: Pager, tree: TreeDescriptor, range: KeyRange) {
    self.pager = pager
    self.tree = tree
    lower = range.lower
    upper = range.upper
  }

  /// What there is to do after a leaf.
  private enum Step {
    /// To go on with the leaf that holds this key.
    case leaf([UInt8])
    case end
    /// To read the value of a key, which lies elsewhere, and lend it.
    case value([UInt8], ValueForm, [UInt8])
  }

  /// Lends keys and values until `body` returns false.
  mutating func run(_ body: (Bytes, Bytes) -> Bool) throws(EngineError) {
    guard tree.height > 0 else { return }
    if let lower, let upper, !lower.lexicographicallyPrecedes(upper) { return }
    while true {
      switch try visitLeaf(body) {
      case .leaf(let next): lower = next
      case .end: return
      case .value(let key, let form, let stored):
        // Outside the epoch, for that may take long.
        let value = try pager.wholeValue(form, stored)
        guard key.withBytes({ key in value.withBytes { body(key, $0) } }) else { return }
        // The least key behind it.
        lower = key + [0]
      }
    }
  }

  /// Visits the leaf that holds `lower`.
  private func visitLeaf(_ body: (Bytes, Bytes) -> Bool) throws(EngineError) -> Step {
    var fence: Fence?
    return try pager.withLeaf(
      of: tree,
      choosing: { branch in
        let slot = lower.map { $0.withBytes { branch.childSlot(for: $0) } } ?? 0
        if slot + 1 < branch.count { fence = Fence(branch: branch, slot: slot + 1) }
        return slot
      }
    ) { (leaf) throws(EngineError) in
      if let lower, let fence, !fence.isAbove(lower) {
        // In a forged tree it might go round for ever.
        throw pager.damage(leaf.number, "lies between fences out of order")
      }
      let next = fence.flatMap { fence in
        upper.map { !fence.isAbove($0) && !fence.isEqual(to: $0) } ?? true ? fence : nil
      }
      let first = lower.map { $0.withBytes { leaf.lowerBound($0).index } } ?? 0
      let end = next == nil ? self.end(in: leaf, fence) : leaf.count
      return Self.lend(leaf, first, end, body) ?? next.map { .leaf($0.key) } ?? .end
    }
  }

  /// The slot to stop at in the last leaf.
  private func end(in leaf: PageView, _ fence: Fence?) -> Int {
    guard let upper, fence?.isAbove(upper) ?? true else { return leaf.count }
    return upper.withBytes { leaf.lowerBound($0).index }
  }

  /// Lends the entries of some slots; what there is to do when not all were lent.
  private static func lend(
    _ leaf: PageView, _ first: Int, _ end: Int, _ body: (Bytes, Bytes) -> Bool
  ) -> Step? {
    PageView.withTemporary(PageGeometry.maximumKeyBytes) { key in
      // Put together here from the prefix of the page and the rest.
      let prefix = leaf.prefix
      key.copy(prefix, to: 0)
      for slot in first..<max(first, end) {
        let form = leaf.form(slot)
        if form != .inline { return .value(leaf.key(slot), form, leaf.value(slot).array) }
        let suffix = leaf.keySuffix(slot)
        key.copy(suffix, to: prefix.count)
        let isWanted = body(key.bytes(0, prefix.count + suffix.count), leaf.value(slot))
        if !isWanted { return .end }
      }
      return nil
    }
  }
}

/// The first key beyond a leaf, in the branch that says so.
private struct Fence {
  let branch: PageView
  let slot: Int

  var key: [UInt8] { branch.key(slot) }

  /// Whether it comes after a key.
  func isAbove(_ key: [UInt8]) -> Bool { key.withBytes { branch.compareKey(slot, $0) > 0 } }

  func isEqual(to key: [UInt8]) -> Bool { key.withBytes { branch.compareKey(slot, $0) == 0 } }
}
