// SPDX-License-Identifier: Apache-2.0

/// Visits changes in one direction.
protocol ChangeSource {
  /// The change at hand, until `advance`; `nil` at the end.
  var current: KeyChange? { get }

  /// The change behind `current`, which must not be `nil`, where it is known without going on.
  var following: KeyChange? { get }

  /// Goes on to the next.
  mutating func advance() throws(EngineError)
}

extension ChangeSource {
  var following: KeyChange? { nil }
}

/// All changes that are in memory, in order, but those in some trees; none may be added meanwhile.
struct SortedChanges: ChangeSource {
  /// Keeps the bytes of the changes alive.
  private let owner: WriteSet
  private let entries: [WriteSet.Entry]
  private let order: [UInt32]
  private var position = 0

  init(_ set: WriteSet, without trees: [UInt32] = []) {
    owner = set
    let sorted = set.sorted()
    let entries = set.entries
    self.entries = entries
    order = trees.isEmpty ? sorted : sorted.filter { !trees.contains(entries[Int($0)].tree) }
  }

  var current: KeyChange? {
    position < order.count ? entries[Int(order[position])].change : nil
  }

  mutating func advance() { position += 1 }

  /// Visits the records of all changes.
  ///
  /// They lie anywhere in the memory, so they are fetched some time before.
  func forEachRecord(_ body: (Bytes) -> Void) {
    let distance = 12
    for index in order.indices {
      if index + 2 * distance < order.count {
        entries.prefetch(Int(order[index + 2 * distance]))
      }
      if index + distance < order.count {
        entries[Int(order[index + distance])].bytes.prefetch()
      }
      body(entries[Int(order[index])].bytes)
    }
  }
}

/// The changes of a transaction where they lie in the open group, in order.
struct GroupChanges: ChangeSource {
  /// Keeps the bytes of the changes alive, and where they are: nothing is appended meanwhile.
  private let owner: LogBuffer
  private var rest: Bytes

  init(_ group: LogBuffer, _ range: Range<Int>) {
    owner = group
    rest = group.bytes.dropFirst(range.lowerBound).prefix(range.count)
  }

  @inline(__always)
  var current: KeyChange? { rest.count > 0 ? KeyChange(record: rest) : nil }

  @inline(__always)
  var following: KeyChange? {
    let behind = rest.dropFirst(KeyChange(record: rest).recordBytes)
    return behind.count > 0 ? KeyChange(record: behind) : nil
  }

  @inline(__always)
  mutating func advance() {
    rest = rest.dropFirst(KeyChange(record: rest).recordBytes)
  }
}

/// Changes as the log has them, in order.
struct LoggedChanges: ChangeSource {
  private let changes: [KeyChange]
  private var next = 0

  init(_ changes: [KeyChange]) {
    self.changes = changes
  }

  var current: KeyChange? { next < changes.count ? changes[next] : nil }

  var following: KeyChange? { next + 1 < changes.count ? changes[next + 1] : nil }

  mutating func advance() { next += 1 }
}

/// The changes of one tree that are in memory now, whatever is added later.
struct MemoryChanges: ChangeSource {
  /// Keeps the bytes of the changes alive.
  private let owner: WriteSet
  private let changes: [KeyChange]
  private let reversed: Bool
  private var next: Int

  init(_ set: WriteSet, in tree: UInt32, range: KeyRange, reversed: Bool) {
    owner = set
    changes = set.changes(in: tree, range: range)
    self.reversed = reversed
    next = reversed ? changes.count - 1 : 0
  }

  var current: KeyChange? { changes.indices.contains(next) ? changes[next] : nil }

  mutating func advance() { next += reversed ? -1 : 1 }
}

/// The changes of a spilled set from one place to another, block by block.
struct SpilledChanges: ChangeSource {
  private let pager: Pager
  private let set: SpilledSet
  private let reversed: Bool
  /// The tree and range to be visited; `nil` for everything.
  private let tree: UInt32?
  private let range: KeyRange
  private var blockPosition: Int
  private var block: ChangeBlock?
  private var next = 0

  init(_ set: SpilledSet, _ pager: Pager) throws(EngineError) {
    try self.init(set, pager, in: nil, range: .all, reversed: false)
  }

  init(
    _ set: SpilledSet, _ pager: Pager, in tree: UInt32?, range: KeyRange, reversed: Bool
  ) throws(EngineError) {
    self.set = set
    self.pager = pager
    self.tree = tree
    self.range = range
    self.reversed = reversed
    blockPosition = -1
    try start()
  }

  private mutating func start() throws(EngineError) {
    guard let tree else { return try enter(0, at: 0) }
    // Where the range begins, in the direction of the visit.
    let bound = reversed ? range.upper : range.lower
    let end = reversed && bound == nil ? tree + 1 : tree
    try (bound ?? []).withBytes { (key) throws(EngineError) in
      guard let position = set.block(for: key, in: end) else {
        return try reversed ? enter(-1, at: 0) : enter(0, at: 0)
      }
      try enter(position, at: 0)
      guard let block else { return }
      next = block.lowerBound(key, in: end) - (reversed ? 1 : 0)
    }
    try settle()
  }

  private mutating func enter(_ position: Int, at index: Int) throws(EngineError) {
    blockPosition = position
    block = nil
    next = index
    guard set.blocks.indices.contains(position) else { return }
    block = try ChangeBlock(set.blocks[position], pager)
  }

  var current: KeyChange? {
    guard let block, block.changes.indices.contains(next) else { return nil }
    let change = block.changes[next]
    guard let tree else { return change }
    guard change.tree == tree else { return nil }
    if reversed {
      if let lower = range.lower, lower.withBytes({ change.key.compare($0) < 0 }) { return nil }
    } else if let upper = range.upper, upper.withBytes({ change.key.compare($0) >= 0 }) {
      return nil
    }
    return change
  }

  mutating func advance() throws(EngineError) {
    next += reversed ? -1 : 1
    try settle()
  }

  /// Goes on to the block that holds the next change.
  private mutating func settle() throws(EngineError) {
    while let block, !block.changes.indices.contains(next) {
      try enter(blockPosition + (reversed ? -1 : 1), at: 0)
      if reversed { next = (self.block?.changes.count ?? 0) - 1 }
    }
  }
}

/// The changes of several sources as one sequence: of changes of one key only that of the last
/// source.
final class ChangeMerge: ChangeSource {
  @safe @exclusivity(unchecked) private var sources: [any ChangeSource]
  private let reversed: Bool
  /// Called with each change that a later one replaces.
  private let replaced: (KeyChange) throws(EngineError) -> Void

  init(
    _ sources: [any ChangeSource], reversed: Bool = false,
    replaced: @escaping (KeyChange) throws(EngineError) -> Void = { _ in }
  ) {
    self.sources = sources
    self.reversed = reversed
    self.replaced = replaced
  }

  /// The change at hand; valid until `advance`.
  private(set) lazy var current: KeyChange? = findNext()
  @safe @exclusivity(unchecked) private var chosen = 0

  private func findNext() -> KeyChange? {
    var found: KeyChange?
    for position in sources.indices {
      guard let change = sources[position].current else { continue }
      if let best = found {
        let isBehind = reversed ? change.precedes(best) : best.precedes(change)
        if isBehind { continue }
      }
      // Of equals the last counts.
      found = change
      chosen = position
    }
    return found
  }

  /// Goes on to the next change.
  func advance() throws(EngineError) {
    guard let passed = current else { return }
    if sources.count == 1 {
      try sources[0].advance()
    } else {
      for position in sources.indices where position != chosen {
        guard let change = sources[position].current, !change.precedes(passed),
          !passed.precedes(change)
        else { continue }
        try replaced(change)
        try sources[position].advance()
      }
      try sources[chosen].advance()
    }
    current = findNext()
  }
}
