// SPDX-License-Identifier: Apache-2.0

/// A view that can be given up before its cursors are.
protocol OpenableView: AnyObject {
  /// Throws `.closed` when it was.
  func checkOpen() throws(EngineError)
}

/// Visits the entries of a tree in key order, in one direction.
///
/// It shows the tree as it was when the cursor was made. In a write transaction the changes made
/// up to then are merged in; those made later are not seen. Not for use by several threads.
public final class Cursor {
  private let pager: Pager
  /// Keeps the pages alive, as long as it is open.
  private let view: any OpenableView
  private let reversed: Bool
  private var leaves: LeafCursor
  private let changes: ChangeMerge?
  private var hasLeafEntry: Bool?
  private var failure: EngineError?
  private var current: Source = .none
  /// Whether the change at hand is the one the cursor is on.
  private var isOnChange = false

  private enum Source {
    case none
    case leaf
    case change(KeyChange)
  }

  init(
    pager: Pager, tree: TreeDescriptor, view: any OpenableView, range: KeyRange, reversed: Bool,
    changes: ChangeMerge? = nil
  ) {
    self.pager = pager
    self.view = view
    self.reversed = reversed
    self.changes = changes
    leaves = LeafCursor(pager: pager, tree: tree, range: range, reversed: reversed)
  }

  /// The key of the entry the cursor is on.
  ///
  /// Empty before the first `next()` and after the last.
  public private(set) var key: [UInt8] = []

  /// Moves to the next entry; false when there is none.
  ///
  /// After an error the cursor stays failed.
  public func next() throws(EngineError) -> Bool {
    if let failure { throw failure }
    try view.checkOpen()
    do throws(EngineError) {
      return try advance()
    } catch {
      failure = error
      throw error
    }
  }

  /// Copies the value of the entry the cursor is on.
  public func value() throws(EngineError) -> [UInt8] {
    try view.checkOpen()
    switch current {
    case .none: return []
    case .leaf:
      let (form, bytes) = leaves.value
      return try pager.wholeValue(form, bytes)
    case .change(let change):
      if change.operation == .putDirect { return try pager.directValue(change.value) }
      return change.value.array
    }
  }

  private func advance() throws(EngineError) -> Bool {
    if isOnChange {
      isOnChange = false
      try changes?.advance()
    }
    while true {
      // The leaf entry under a change was not consumed when the change came first.
      let leafReady: Bool
      if let hasLeafEntry {
        leafReady = hasLeafEntry
      } else {
        leafReady = try leaves.next()
      }
      hasLeafEntry = leafReady
      guard let changes, let change = changes.current else {
        return leafReady ? takeLeaf() : finish()
      }
      let order = leafReady ? leaves.compareKey(change.key) : 1
      if leafReady && (reversed ? order > 0 : order < 0) { return takeLeaf() }
      if leafReady && order == 0 { hasLeafEntry = nil }
      if change.operation == .delete {
        try changes.advance()
        continue
      }
      key = change.key.array
      // Its bytes are good until the merge goes on, with the next step.
      current = .change(change)
      isOnChange = true
      return true
    }
  }

  private func takeLeaf() -> Bool {
    hasLeafEntry = nil
    key = leaves.key
    current = .leaf
    return true
  }

  private func finish() -> Bool {
    key = []
    current = .none
    return false
  }
}

/// Visits the entries of one state of a tree, leaf by leaf, each copied to a buffer of its own so
/// that no page is held between steps.
struct LeafCursor {
  private let pager: Pager
  private let tree: TreeDescriptor
  private let range: KeyRange
  private let reversed: Bool
  private var buffer: AlignedBuffer?
  private var slot = 0
  /// Slots of the present leaf that are inside the range.
  private var slots = 0..<0
  /// The fences of the present leaf: where the next one begins.
  ///
  /// `nil` when there is none.
  private var lower: [UInt8]?
  private var upper: [UInt8]?
  private var isStarted = false

  init(pager: Pager, tree: TreeDescriptor, range: KeyRange, reversed: Bool) {
    self.pager = pager
    self.tree = tree
    self.range = range
    self.reversed = reversed
  }

  private var page: PageView? { buffer?.page(at: 0) }

  var key: [UInt8] { page?.key(slot) ?? [] }

  var value: (form: ValueForm, bytes: [UInt8]) {
    guard let page else { return (.inline, []) }
    return (page.form(slot), page.value(slot).array)
  }

  /// Orders the present key against another.
  func compareKey(_ other: Bytes) -> Int {
    page?.compareKey(slot, other) ?? 0
  }

  mutating func next() throws(EngineError) -> Bool {
    if reversed {
      if slot > slots.lowerBound {
        slot -= 1
        return true
      }
    } else if slot + 1 < slots.upperBound {
      slot += 1
      return true
    }
    while try loadNextLeaf() {
      guard !slots.isEmpty else { continue }
      slot = reversed ? slots.upperBound - 1 : slots.lowerBound
      return true
    }
    slots = 0..<0
    slot = 0
    return false
  }

  private mutating func loadNextLeaf() throws(EngineError) -> Bool {
    guard tree.height > 0 else { return false }
    if !isStarted {
      isStarted = true
      if let low = range.lower, let high = range.upper, !low.lexicographicallyPrecedes(high) {
        return false
      }
      return try load(reversed ? .before(range.upper) : .holding(range.lower))
    }
    if reversed {
      guard let lower else { return false }
      if let start = range.lower, !start.lexicographicallyPrecedes(lower) { return false }
      return try load(.before(lower))
    }
    guard let upper else { return false }
    if let end = range.upper, !upper.lexicographicallyPrecedes(end) { return false }
    return try load(.holding(upper))
  }

  /// Which leaf to go to.
  private enum Target {
    /// The leaf that holds a key, or the first.
    case holding([UInt8]?)
    /// The leaf with the last keys below one, or the last.
    case before([UInt8]?)

    func childSlot(in page: PageView) -> Int {
      switch self {
      case .holding(nil): 0
      case .holding(let key?): key.withBytes { page.childSlot(for: $0) }
      case .before(nil): page.count - 1
      case .before(let key?): key.withBytes { page.childSlot(before: $0) }
      }
    }

    /// Whether the next leaf lies further on.
    ///
    /// In a forged tree it might lead back for ever.
    func isWithin(_ lower: [UInt8]?, _ upper: [UInt8]?) -> Bool {
      switch self {
      case .holding(let key?): upper.map { key.lexicographicallyPrecedes($0) } ?? true
      case .before(let key?): lower.map { $0.lexicographicallyPrecedes(key) } ?? true
      default: true
      }
    }
  }

  private mutating func load(_ target: Target) throws(EngineError) -> Bool {
    let copy = try AlignedBuffer.reuse(&buffer, count: pager.pageBytes)
    var lower: [UInt8]?
    var upper: [UInt8]?
    try pager.withLeaf(
      of: tree,
      choosing: { branch in
        let slot = target.childSlot(in: branch)
        if slot > 0 { lower = branch.key(slot) }
        if slot + 1 < branch.count { upper = branch.key(slot + 1) }
        return slot
      }
    ) { (leaf) throws(EngineError) in
      guard target.isWithin(lower, upper) else {
        throw pager.damage(leaf.number, "lies between fences out of order")
      }
      copy.page(at: 0).copyPage(from: leaf, pageBytes: pager.pageBytes)
    }
    (self.lower, self.upper) = (lower, upper)
    selectSlots(copy.page(at: 0))
    return true
  }

  private mutating func selectSlots(_ page: PageView) {
    var first = 0
    var end = page.count
    if let low = range.lower, page.count > 0, isInside(page, low) {
      first = low.withBytes { page.lowerBound($0).index }
    }
    if let high = range.upper, page.count > 0, isInside(page, high) {
      end = high.withBytes { page.lowerBound($0).index }
    }
    slots = first..<max(first, end)
    slot = reversed ? slots.upperBound : slots.lowerBound
  }

  /// Whether a key lies between the fences of the present leaf, and so shares its prefix.
  private func isInside(_ page: PageView, _ key: [UInt8]) -> Bool {
    if let lower, key.lexicographicallyPrecedes(lower) { return false }
    if let upper, !key.lexicographicallyPrecedes(upper) { return false }
    return true
  }
}
