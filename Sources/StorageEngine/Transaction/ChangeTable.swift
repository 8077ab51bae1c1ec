// SPDX-License-Identifier: Apache-2.0

/// The changes of a `WriteSet` in the order they came.
///
/// A value of its own, because the runtime watches over each access to a property of a class.
///
/// Few changes are looked through. Many that came in the order of their keys, as those of a load
/// do, are found by bisection; only others are hashed, and only from the first on that is looked for:
/// until then a key may have several changes, of which the last counts.
///
/// Changes lie in an arena in the form of the log.
@safe
struct ChangeTable: ~Copyable {
  typealias Entry = WriteSet.Entry

  /// Changes that are looked through.
  private static let few = 8

  private var arena = Arena()
  private(set) var entries: [Entry] = []
  /// Whether `entries` are in order.
  private(set) var isAscending = true
  /// Whether keys are looked for, so that each may have one change only.
  private var isSearched = false
  /// Positions in `entries` by hash, plus one; empty as long as nothing is hashed.
  private var slots: [UInt32] = []

  var memoryBytes: Int {
    arena.chunkBytes + entries.capacity * MemoryLayout<Entry>.stride + slots.count * 4
  }

  var loggedBytes: Int { arena.usedBytes }

  /// Whether a key may have several changes.
  var hasRepeats: Bool { !isAscending && slots.isEmpty && entries.count > Self.few }

  /// Notes a change; returns the one of the same key that it replaces, if that is known.
  ///
  /// It is once keys were looked for, or a large value was written.
  mutating func set(_ change: KeyChange) -> KeyChange? {
    if change.operation == .putDirect { prepareToFind() }
    let sought = Sought(change.key, in: change.tree)
    let position = isSearched ? position(of: sought) : nearPosition(of: sought)
    if let old = position.map({ entries[$0].change }), old.operation == change.operation,
      old.value.count + change.value.count == 0
    {
      return old
    }
    let record = arena.take(change.recordBytes)
    change.encode(to: record)
    let entry = Entry(change, head: sought.head, record: record)
    if let position {
      let old = entries[position].change
      entries[position] = entry
      return old
    }
    if isAscending, let last = entries.last, !last.precedes(sought) { isAscending = false }
    entries.append(entry)
    if !slots.isEmpty { hashLast() } else if isSearched { hashIfNeeded() }
    return nil
  }

  /// The change of a key, once `prepareToFind` was called.
  func find(_ key: Bytes, in tree: UInt32) -> KeyChange? {
    position(of: Sought(key, in: tree)).map { entries[$0].change }
  }

  /// From now on each key has one change, and can be found.
  mutating func prepareToFind() {
    if isSearched { return }
    isSearched = true
    hashIfNeeded()
  }

  /// The position of a key's change where that is one of few or the last.
  private func nearPosition(of sought: Sought) -> Int? {
    if entries.count <= Self.few { return position(of: sought) }
    return entries[entries.count - 1].has(sought) ? entries.count - 1 : nil
  }

  private func position(of sought: Sought) -> Int? {
    if !slots.isEmpty {
      let number = slots[slot(for: sought)]
      return number == 0 ? nil : Int(number) - 1
    }
    if entries.count <= Self.few { return entries.firstIndex { $0.has(sought) } }
    // What comes in order lies behind all that is there.
    if entries[entries.count - 1].precedes(sought) { return nil }
    let position = lowerBound(sought)
    return entries[position].has(sought) ? position : nil
  }

  /// The first entry that does not come before `sought`; the last one does not.
  private func lowerBound(_ sought: Sought) -> Int {
    var low = 0
    var high = entries.count - 1
    while low < high {
      let middle = (low + high) >> 1
      if entries[middle].precedes(sought) { low = middle + 1 } else { high = middle }
    }
    return low
  }

  // MARK: Hashing

  /// The slot of a key, or the empty one where it belongs.
  private func slot(for sought: Sought) -> Int {
    let mask = slots.count - 1
    var slot = sought.hash & mask
    while slots[slot] != 0, !entries[Int(slots[slot]) - 1].has(sought) {
      slot = (slot + 1) & mask
    }
    return slot
  }

  private mutating func hashLast() {
    if entries.count * 2 > slots.count { return hashAll() }
    slots[slot(for: entries[entries.count - 1].sought)] = UInt32(entries.count)
  }

  private mutating func hashIfNeeded() {
    if !isAscending && entries.count > Self.few { hashAll() }
  }

  /// Hashes all entries, of each key the last alone.
  private mutating func hashAll() {
    var count = max(32, slots.count)
    while count < entries.count * 2 { count *= 2 }
    slots = [UInt32](repeating: 0, count: count)
    entries.reserveCapacity(count / 2)
    var kept = 0
    for position in entries.indices {
      let entry = entries[position]
      let slot = slot(for: entry.sought)
      if slots[slot] == 0 {
        entries[kept] = entry
        kept += 1
        slots[slot] = UInt32(kept)
      } else {
        entries[Int(slots[slot]) - 1] = entry
      }
    }
    entries.removeLast(entries.count - kept)
  }
}

extension WriteSet {
  /// One key's change, by its record in the form of the log.
  @safe
  struct Entry {
    private let record: UnsafeRawPointer
    /// The first bytes of the key.
    let head: UInt64
    let tree: UInt32
    private let length: UInt32

    fileprivate init(_ change: KeyChange, head: UInt64, record: PageView) {
      unsafe self.record = UnsafeRawPointer(record.base)
      self.head = head
      tree = change.tree
      length = UInt32(change.recordBytes)
    }

    /// The record.
    @inline(__always)
    var bytes: Bytes { unsafe Bytes(record, Int(length)) }

    @inline(__always)
    var change: KeyChange { KeyChange(record: bytes) }

    @inline(__always)
    var key: Bytes { KeyChange.key(ofRecord: bytes) }

    @inline(__always)
    fileprivate var sought: Sought { Sought(key: key, head: head, tree: tree) }

    /// Byte order within a tree, trees by their numbers.
    @inline(__always)
    fileprivate func precedes(_ other: Sought) -> Bool {
      if tree != other.tree { return tree < other.tree }
      if head != other.head { return head < other.head }
      return key.compare(other.key) < 0
    }

    @inline(__always)
    fileprivate func has(_ other: Sought) -> Bool {
      head == other.head && tree == other.tree && key.compare(other.key) == 0
    }

    /// The same between two entries.
    @inline(__always)
    func precedes(_ other: Entry) -> Bool { precedes(other.sought) }
  }
}

/// A key that is looked for.
private struct Sought {
  let key: Bytes
  let head: UInt64
  let tree: UInt32

  init(key: Bytes, head: UInt64, tree: UInt32) {
    self.key = key
    self.head = head
    self.tree = tree
  }

  init(_ key: Bytes, in tree: UInt32) {
    self.init(key: key, head: key.head, tree: tree)
  }

  var hash: Int { Int(truncatingIfNeeded: key.hash(seed: tree)) }
}

extension Bytes {
  /// A hash for tables in memory: multiply and fold, eight bytes at a time.
  func hash(seed: UInt32) -> UInt64 {
    var hash = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(count)
    var rest = self
    while rest.count > 8 {
      hash = Self.mix(hash ^ rest.load(0, as: UInt64.self))
      rest = rest.dropFirst(8)
    }
    return Self.mix(hash ^ rest.head)
  }

  private static func mix(_ value: UInt64) -> UInt64 {
    let product = value.multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
    return product.high ^ product.low
  }
}
