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
  /// Where keys are put together from the prefix of their page and the rest.
  private var key: [UInt8] = []

  init(pager: Pager, tree: TreeDescriptor, range: KeyRange) {
    self.pager = pager
    self.tree = tree
    lower = range.lower
    upper = range.upper
  }

  /// What there is to do after a leaf.
  private enum Step {
    case nextLeaf
    case end
    /// To read a value that lies elsewhere, and lend it.
    case value(ValueForm, [UInt8])
  }

  /// Lends keys and values until `body` returns false.
  mutating func run(_ body: (Bytes, Bytes) -> Bool) throws(EngineError) {
    guard tree.height > 0 else { return }
    if let lower, let upper, !lower.lexicographicallyPrecedes(upper) { return }
    while true {
      switch try visitLeaf(body) {
      case .nextLeaf: continue
      case .end: return
      case .value(let form, let stored):
        // Outside the epoch, for that may take long.
        let value = try pager.wholeValue(form, stored)
        guard key.withBytes({ key in value.withBytes { body(key, $0) } }) else { return }
        // The least key behind it.
        lower = key + [0]
      }
    }
  }

  /// Visits the leaf that holds `lower`, and moves `lower` to the next.
  private mutating func visitLeaf(_ body: (Bytes, Bytes) -> Bool) throws(EngineError) -> Step {
    let start = lower
    var fence: [UInt8]?
    var key = self.key
    defer { self.key = key }
    let (step, next) = try pager.withLeaf(
      of: tree,
      choosing: { branch in
        let slot = start.map { $0.withBytes { branch.childSlot(for: $0) } } ?? 0
        if slot + 1 < branch.count { fence = branch.key(slot + 1) }
        return slot
      }
    ) { (leaf) throws(EngineError) -> (Step, [UInt8]?) in
      if let start, let fence, !start.lexicographicallyPrecedes(fence) {
        // In a forged tree it might go round for ever.
        throw pager.damage(leaf.number, "lies between fences out of order")
      }
      let next = self.next(fence)
      let first = start.map { $0.withBytes { leaf.lowerBound($0).index } } ?? 0
      let end = next == nil ? self.end(in: leaf, fence) : leaf.count
      let step = Self.lend(leaf, first, end, &key, body)
      return (step ?? (next == nil ? .end : .nextLeaf), next)
    }
    lower = next
    return step
  }

  /// Where the next leaf begins, unless this one is the last.
  private func next(_ fence: [UInt8]?) -> [UInt8]? {
    guard let fence, let upper, !fence.lexicographicallyPrecedes(upper) else { return fence }
    return nil
  }

  /// The slot to stop at in the last leaf.
  private func end(in leaf: PageView, _ fence: [UInt8]?) -> Int {
    guard let upper, fence.map({ upper.lexicographicallyPrecedes($0) }) ?? true else {
      return leaf.count
    }
    return upper.withBytes { leaf.lowerBound($0).index }
  }

  /// Lends the entries of some slots; what there is to do when not all were lent.
  private static func lend(
    _ leaf: PageView, _ first: Int, _ end: Int, _ key: inout [UInt8],
    _ body: (Bytes, Bytes) -> Bool
  ) -> Step? {
    let prefix = leaf.prefix
    var slot = first
    while slot < end {
      let form = leaf.form(slot)
      if form != .inline {
        key = leaf.key(slot)
        return .value(form, leaf.value(slot).array)
      }
      let goesOn: Bool
      if prefix.count == 0 {
        goesOn = body(leaf.keySuffix(slot), leaf.value(slot))
      } else {
        key.removeAll(keepingCapacity: true)
        key.append(prefix)
        key.append(leaf.keySuffix(slot))
        goesOn = key.withBytes { body($0, leaf.value(slot)) }
      }
      if !goesOn { return .end }
      slot += 1
    }
    return nil
  }
}
