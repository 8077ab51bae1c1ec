// SPDX-License-Identifier: Apache-2.0

/// The changes of a `WriteSet` in the order they came, found by key.
///
/// A value of its own, because the runtime watches over each access to a property of a class.
///
/// Few changes are looked through. Many that came in the order of their keys, as those of a load
/// do, are found by bisection; only others are hashed.
///
/// Keys and values lie in an arena whose pieces never move.
@safe
struct ChangeTable: ~Copyable {
  typealias Entry = WriteSet.Entry

  /// Changes that are looked through.
  private static let few = 8

  private var chunks: [UnsafeMutableRawPointer] = unsafe []
  private var chunkUsed = 0
  private var chunkCapacity = 0
  private var chunkBytes = 0
  private(set) var entries: [Entry] = []
  /// Whether `entries` are in order.
  private(set) var isAscending = true
  /// Positions in `entries` by hash, plus one; empty as long as nothing is hashed.
  private var slots: [UInt32] = []
  /// Bytes of keys and values taken in, replaced ones included.
  private var arenaBytes = 0

  deinit {
    unsafe chunks.forEach { unsafe $0.deallocate() }
  }

  var memoryBytes: Int {
    chunkBytes + entries.capacity * MemoryLayout<Entry>.stride + slots.count * 4
  }

  var loggedBytes: Int { arenaBytes + entries.count * LogRecord.keyOperationHeaderBytes }

  private mutating func store(_ bytes: Bytes) -> Bytes {
    guard bytes.count > 0 else { return bytes.prefix(0) }
    if chunkUsed + bytes.count > chunkCapacity { addChunk(for: bytes.count) }
    let target = unsafe chunks[chunks.count - 1] + chunkUsed
    unsafe target.copyMemory(from: bytes.base, byteCount: bytes.count)
    chunkUsed += bytes.count
    arenaBytes += bytes.count
    return unsafe Bytes(target, bytes.count)
  }

  private mutating func addChunk(for count: Int) {
    // Small sets stay small; large ones get pieces that are not many.
    let size = max(count, min(1 << 20, max(4096, arenaBytes)))
    unsafe chunks.append(.allocate(byteCount: size, alignment: 16))
    chunkUsed = 0
    chunkCapacity = size
    chunkBytes += size
  }

  /// Notes a change; returns the one of the same key that it replaces.
  mutating func set(
    _ operation: LogRecord.KeyOperation, _ key: Bytes, in tree: UInt32, value: Bytes
  ) -> KeyChange? {
    let stored = store(value)
    let sought = Entry(
      change: KeyChange(operation: operation, tree: tree, key: key, value: stored),
      head: key.head)
    if let position = position(of: sought) {
      let old = entries[position].change
      entries[position].change.operation = operation
      entries[position].change.value = stored
      return old
    }
    if isAscending, let last = entries.last, !last.precedes(sought) { isAscending = false }
    var entry = sought
    entry.change.key = store(key)
    entries.append(entry)
    if !slots.isEmpty || (!isAscending && entries.count > Self.few) { hashLast() }
    return nil
  }

  func find(_ key: Bytes, in tree: UInt32) -> KeyChange? {
    let sought = Entry(
      change: KeyChange(operation: .delete, tree: tree, key: key, value: key.prefix(0)),
      head: key.head)
    return position(of: sought).map { entries[$0].change }
  }

  private func position(of sought: Entry) -> Int? {
    if !slots.isEmpty {
      let number = slots[slot(for: sought)]
      return number == 0 ? nil : Int(number) - 1
    }
    if entries.count <= Self.few { return entries.firstIndex { $0.isSameKey(as: sought) } }
    // What comes in order lies behind all that is there.
    if entries[entries.count - 1].precedes(sought) { return nil }
    let position = lowerBound(sought)
    return entries[position].isSameKey(as: sought) ? position : nil
  }

  /// The first entry that does not come before `sought`; the last one does not.
  private func lowerBound(_ sought: Entry) -> Int {
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
  private func slot(for sought: Entry) -> Int {
    let mask = slots.count - 1
    var slot = sought.slotHash & mask
    while slots[slot] != 0, !entries[Int(slots[slot]) - 1].isSameKey(as: sought) {
      slot = (slot + 1) & mask
    }
    return slot
  }

  private mutating func hashLast() {
    if entries.count * 2 > slots.count { return hashAll() }
    slots[slot(for: entries[entries.count - 1])] = UInt32(entries.count)
  }

  private mutating func hashAll() {
    var count = max(32, slots.count)
    while count < entries.count * 2 { count *= 2 }
    slots = [UInt32](repeating: 0, count: count)
    entries.reserveCapacity(count / 2)
    let mask = count - 1
    for position in entries.indices {
      var slot = entries[position].slotHash & mask
      while slots[slot] != 0 { slot = (slot + 1) & mask }
      slots[slot] = UInt32(position + 1)
    }
  }
}

extension WriteSet.Entry {
  @inline(__always)
  fileprivate func isSameKey(as other: WriteSet.Entry) -> Bool {
    head == other.head && change.tree == other.change.tree
      && change.key.compare(other.change.key) == 0
  }

  fileprivate var slotHash: Int { Int(truncatingIfNeeded: change.key.hash(seed: change.tree)) }
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
