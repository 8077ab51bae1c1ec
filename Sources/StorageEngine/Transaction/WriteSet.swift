// SPDX-License-Identifier: Apache-2.0

/// The changes of a transaction that is not committed yet: one per key, found by hash and in key
/// order.
///
/// Keys and values lie in an arena whose pieces never move.
@safe
final class WriteSet {
  /// One key's change.
  ///
  /// A later change of the same key takes its place.
  struct Entry {
    var change: KeyChange
    var head: UInt64
  }

  private var chunks: [UnsafeMutableRawPointer] = unsafe []
  private var chunkUsed = 0
  private var chunkCapacity = 0
  private var chunkBytes = 0
  private(set) var entries: [Entry] = []
  private var slots: [UInt32] = []
  /// Positions of `entries` in order, as far as sorted.
  private var order: [UInt32] = []
  /// Bytes of keys and values taken in, replaced ones included.
  private(set) var arenaBytes = 0

  deinit {
    while let chunk = unsafe chunks.popLast() { unsafe chunk.deallocate() }
  }

  var isEmpty: Bool { entries.isEmpty }

  /// About how much memory it takes.
  var memoryBytes: Int {
    chunkBytes + entries.capacity * MemoryLayout<Entry>.stride + slots.count * 4
  }

  /// The trees in which it has changes.
  var trees: Set<UInt32> { Set(entries.lazy.map(\.change.tree)) }

  /// Whether it has no changes in a tree.
  func isEmpty(in tree: UInt32) -> Bool { changes(in: tree, range: .all).isEmpty }

  /// About how many bytes the changes take in the log.
  var loggedBytes: Int { arenaBytes + entries.count * LogRecord.keyOperationHeaderBytes }

  // MARK: Arena

  private func store(_ bytes: Bytes) -> Bytes {
    guard bytes.count > 0 else { return bytes.prefix(0) }
    if chunkUsed + bytes.count > chunkCapacity {
      // Small sets stay small; large ones get pieces that are not many.
      let size = max(bytes.count, min(1 << 20, max(4096, arenaBytes)))
      unsafe chunks.append(.allocate(byteCount: size, alignment: 16))
      chunkUsed = 0
      chunkCapacity = size
      chunkBytes += size
    }
    let target = unsafe chunks[chunks.count - 1] + chunkUsed
    unsafe target.copyMemory(from: bytes.base, byteCount: bytes.count)
    chunkUsed += bytes.count
    arenaBytes += bytes.count
    return unsafe Bytes(target, bytes.count)
  }

  // MARK: Changes

  /// Notes a change; returns the one of the same key that it replaces.
  @discardableResult
  func set(
    _ operation: LogRecord.KeyOperation, _ key: Bytes, in tree: UInt32, value: Bytes
  ) -> KeyChange? {
    if entries.count * 2 >= slots.count { growSlots() }
    let slot = slot(for: key, in: tree)
    let stored = store(value)
    if slots[slot] != 0 {
      let position = Int(slots[slot]) - 1
      let old = entries[position].change
      entries[position].change.operation = operation
      entries[position].change.value = stored
      return old
    }
    let change = KeyChange(operation: operation, tree: tree, key: store(key), value: stored)
    entries.append(Entry(change: change, head: key.head))
    slots[slot] = UInt32(entries.count)
    return nil
  }

  func find(_ key: Bytes, in tree: UInt32) -> KeyChange? {
    guard !slots.isEmpty else { return nil }
    let slot = slot(for: key, in: tree)
    return slots[slot] == 0 ? nil : entries[Int(slots[slot]) - 1].change
  }

  private func slot(for key: Bytes, in tree: UInt32) -> Int {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: key.hash(seed: tree)) & mask
    while slots[slot] != 0 {
      let other = entries[Int(slots[slot]) - 1].change
      if other.tree == tree && other.key.compare(key) == 0 { return slot }
      slot = (slot + 1) & mask
    }
    return slot
  }

  private func growSlots() {
    slots = [UInt32](repeating: 0, count: max(16, slots.count * 2))
    entries.reserveCapacity(slots.count / 2)
    let mask = slots.count - 1
    for position in entries.indices {
      let change = entries[position].change
      var slot = Int(truncatingIfNeeded: change.key.hash(seed: change.tree)) & mask
      while slots[slot] != 0 { slot = (slot + 1) & mask }
      slots[slot] = UInt32(position + 1)
    }
  }

  // MARK: Order

  private func precedes(_ left: UInt32, _ right: UInt32) -> Bool {
    let first = entries[Int(left)]
    let second = entries[Int(right)]
    if first.change.tree != second.change.tree { return first.change.tree < second.change.tree }
    if first.head != second.head { return first.head < second.head }
    return first.change.key.compare(second.change.key) < 0
  }

  /// Positions of all entries in ascending order of tree and key.
  func sorted() -> [UInt32] {
    guard order.count < entries.count else { return order }
    let old = order.count
    let tail = UInt32(old)..<UInt32(entries.count)
    let isAscending =
      tail.dropFirst().allSatisfy { precedes($0 - 1, $0) }
      && (old == 0 || precedes(order[old - 1], UInt32(old)))
    if isAscending {
      order.append(contentsOf: tail)
    } else if entries.count - old < old / 8 {
      order = merge(order, tail.sorted(by: precedes))
    } else {
      order.append(contentsOf: tail)
      order.sort(by: precedes)
    }
    return order
  }

  private func merge(_ left: [UInt32], _ right: [UInt32]) -> [UInt32] {
    var merged: [UInt32] = []
    merged.reserveCapacity(left.count + right.count)
    var next = 0
    for item in left {
      while next < right.count && precedes(right[next], item) {
        merged.append(right[next])
        next += 1
      }
      merged.append(item)
    }
    merged.append(contentsOf: right[next...])
    return merged
  }

  /// The changes of one tree from `lower` up to `upper`, in order.
  func changes(in tree: UInt32, range: KeyRange) -> [KeyChange] {
    let order = sorted()
    func lowerBound(_ key: [UInt8]) -> Int {
      key.withBytes { bytes in
        partition(order) { change in
          change.tree != tree ? change.tree < tree : change.key.compare(bytes) < 0
        }
      }
    }
    let first =
      range.lower.map(lowerBound) ?? partition(order) { $0.tree < tree }
    let end = range.upper.map(lowerBound) ?? partition(order) { $0.tree <= tree }
    guard first < end else { return [] }
    return order[first..<end].map { entries[Int($0)].change }
  }

  private func partition(_ order: [UInt32], _ isBefore: (KeyChange) -> Bool) -> Int {
    var low = 0
    var high = order.count
    while low < high {
      let middle = (low + high) >> 1
      if isBefore(entries[Int(order[middle])].change) { low = middle + 1 } else { high = middle }
    }
    return low
  }
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
