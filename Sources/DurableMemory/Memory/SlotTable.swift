// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A hash as a table sees it: which slot it begins to look at, and what the slot's word must hold.
struct SlotHash {
  /// Bits of the hash in a slot's word.
  static let bits = 19
  static let shift = UInt64(64 - bits)

  /// The bits of the hash in their place in a word.
  let mark: UInt64

  @inline(__always)
  init(_ hash: UInt64) {
    mark = hash &<< Self.shift
  }

  @inline(__always)
  init(word: UInt64) {
    mark = (word &>> Self.shift) &<< Self.shift
  }

  /// Where to begin in a table of so many slots.
  @inline(__always)
  func start(_ capacity: Int) -> Int {
    let place = (mark &>> Self.shift) &* UInt64(truncatingIfNeeded: capacity)
    return Int(truncatingIfNeeded: place &>> UInt64(Self.bits))
  }
}

/// What a slot holds: nothing, the trace of an entry that was removed, or 19 bits of a hash and the
/// address of an entry, which is a multiple of 8 below 2^48.
struct SlotWord: BitwiseCopyable, Equatable {
  static let empty = SlotWord(bits: 0)
  static let removed = SlotWord(bits: 1)

  let bits: UInt64

  @inline(__always)
  init(bits: UInt64) {
    self.bits = bits
  }

  @inline(__always)
  init(_ entry: Entry, _ hash: SlotHash) {
    bits = hash.mark | UInt64(truncatingIfNeeded: entry.address >> 3)
  }

  @inline(__always)
  var entry: Entry {
    let address = (bits &<< UInt64(SlotHash.bits)) &>> UInt64(SlotHash.bits - 3)
    return Entry(address: UInt(truncatingIfNeeded: address))
  }

  @inline(__always)
  var isEntry: Bool { bits > 1 }

  @inline(__always)
  func matches(_ hash: SlotHash) -> Bool {
    (bits ^ hash.mark) &>> SlotHash.shift == 0
  }
}

/// A table of slots with open addressing and linear probing.
///
/// Readers look without a lock while one thread, which has the map's lock, changes slots; slots of
/// a table that a snapshot shows are not changed. Ahead of the slots are 64 bytes that only that
/// thread looks at:
///
/// ```
/// 0   8  entries                16  8  hash bits that lead to this table
/// 8   8  slots that are not empty   24  8  the generation it was made in
/// ```
///
/// Safe to use because readers come to it inside an epoch.
@safe
struct SlotTable: BitwiseCopyable, Equatable {
  static let none = SlotTable(word: 0)
  static let smallestCapacity = 8
  /// From here on a table that is full is divided in two, so that no change waits for long.
  static let largestCapacity = 4096
  /// A table is not divided when fewer entries than this part of all would go to one side.
  private static let leastPart = 16
  private static let headerBytes = 64
  private static let addressBits: UInt64 = 1 << 48 - 1
  /// Bits of the capacity in the word; above them is how many times it is to be taken by eight.
  ///
  /// Tables are that large only where so many hashes are the same that dividing does not help.
  private static let capacityBits = 13
  private static let largestFactor = 7

  /// The number of slots in the upper 16 bits, the address of the slots below.
  let word: UInt64

  @inline(__always)
  init(word: UInt64) {
    self.word = word
  }

  /// `capacity` is rounded up where it is very large.
  init(capacity: Int, depth: Int, generation: UInt64) {
    var (count, factor) = (capacity, 0)
    while count >> Self.capacityBits > 0 {
      count = (count + 7) / 8
      factor += 1
    }
    precondition(factor <= Self.largestFactor)
    let bytes = Self.headerBytes + (count << (3 * factor)) * 8
    let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    let slots = unsafe UInt64(UInt(bitPattern: memory + Self.headerBytes))
    word = UInt64(factor << Self.capacityBits | count) << 48 | slots
    self.depth = depth
    self.generation = generation
  }

  @inline(__always)
  var exists: Bool { word != 0 }

  @inline(__always)
  var capacity: Int {
    let stored = Int(truncatingIfNeeded: word &>> 48)
    return (stored & (1 << Self.capacityBits - 1)) &<< ((stored &>> Self.capacityBits) &* 3)
  }

  var byteCount: Int { Self.headerBytes + capacity * 8 }

  private var slots: UnsafeMutablePointer<Atomic<UInt64>> {
    @inline(__always) get {
      unsafe UnsafeMutablePointer(bitPattern: UInt(truncatingIfNeeded: word & Self.addressBits))
        .unsafelyUnwrapped
    }
  }

  subscript(index: Int) -> SlotWord {
    @inline(__always) get {
      SlotWord(bits: unsafe slots[index].load(ordering: .acquiring))
    }
    nonmutating set {
      unsafe slots[index].store(newValue.bits, ordering: .releasing)
    }
  }

  func deallocate() {
    unsafe (UnsafeMutableRawPointer(slots) - Self.headerBytes).deallocate()
  }

  private func load(_ offset: Int) -> UInt64 {
    unsafe (UnsafeMutableRawPointer(slots) - Self.headerBytes).load(
      fromByteOffset: offset, as: UInt64.self)
  }

  private func store(_ value: UInt64, _ offset: Int) {
    unsafe (UnsafeMutableRawPointer(slots) - Self.headerBytes).storeBytes(
      of: value, toByteOffset: offset, as: UInt64.self)
  }

  /// Entries in it.
  private(set) var count: Int {
    get { Int(load(0)) }
    nonmutating set { store(UInt64(newValue), 0) }
  }

  /// Slots that a search does not end at.
  private var used: Int {
    get { Int(load(8)) }
    nonmutating set { store(UInt64(newValue), 8) }
  }

  /// How many bits of a hash lead to it.
  private(set) var depth: Int {
    get { Int(load(16)) }
    nonmutating set { store(UInt64(newValue), 16) }
  }

  private(set) var generation: UInt64 {
    get { load(24) }
    nonmutating set { store(newValue, 24) }
  }
}

/// Looking up.
extension SlotTable {
  @inline(__always)
  func find(_ hash: SlotHash, _ key: UnsafeRawPointer, _ count: Int) -> Entry {
    let capacity = capacity
    var index = hash.start(capacity)
    while true {
      let word = self[index]
      if word.matches(hash), word.isEntry {
        let entry = word.entry
        if unsafe entry.hasKey(key, count) { return entry }
      } else if word == .empty {
        return .none
      }
      index &+= 1
      if index == capacity { index = 0 }
    }
  }

  /// The slot that holds an entry; `nil` when it is not there.
  func slot(of entry: Entry, _ hash: SlotHash) -> Int? {
    let wanted = SlotWord(entry, hash)
    var index = hash.start(capacity)
    while true {
      let word = self[index]
      if word == wanted { return index }
      if word == .empty { return nil }
      index = index + 1 == capacity ? 0 : index + 1
    }
  }
}

/// Changing, under the lock of the map.
extension SlotTable {
  /// Whether one more entry needs another table.
  var isFull: Bool { (used + 1) * 5 > capacity * 4 }

  /// Adds an entry whose key is not there; the table must not be full.
  func insert(_ entry: Entry, _ hash: SlotHash) {
    var index = hash.start(capacity)
    while self[index].isEntry { index = index + 1 == capacity ? 0 : index + 1 }
    if self[index] == .empty { used += 1 }
    self[index] = SlotWord(entry, hash)
    count += 1
  }

  /// Puts an entry in the place of another with the same key.
  func replace(at slot: Int, with entry: Entry, _ hash: SlotHash) {
    self[slot] = SlotWord(entry, hash)
  }

  /// Takes an entry out.
  ///
  /// Where the next slot is empty no search goes on from here, so nothing needs to remain.
  func remove(at slot: Int) {
    count -= 1
    guard self[slot + 1 == capacity ? 0 : slot + 1] == .empty else {
      self[slot] = .removed
      return
    }
    var last = slot
    repeat {
      self[last] = .empty
      used -= 1
      last = last == 0 ? capacity - 1 : last - 1
    } while self[last] == .removed
  }

  /// A table with the same entries, and room for more.
  func remade(generation: UInt64) -> SlotTable {
    let table = SlotTable(
      capacity: Self.capacity(for: count), depth: depth, generation: generation)
    forEach { entry, hash in table.insert(entry, hash) }
    return table
  }

  /// A table with the same slots.
  func copied(generation: UInt64) -> SlotTable {
    let table = SlotTable(capacity: capacity, depth: depth, generation: generation)
    for index in 0..<capacity {
      unsafe table.slots[index].store(self[index].bits, ordering: .relaxed)
    }
    table.count = count
    table.used = used
    return table
  }

  /// Whether it is to be divided rather than made larger.
  var isToBeDivided: Bool { Self.capacity(for: count) > Self.largestCapacity }

  /// Two tables for the entries whose next bit of the hash is 0 and 1; `nil` where nearly all have
  /// the same, as dividing is of no use then.
  func divided(generation: UInt64, bit: (Entry) -> Bool) -> (SlotTable, SlotTable)? {
    // Asked once each, because it looks at the entries, which lie anywhere.
    var bits: [Bool] = []
    bits.reserveCapacity(count)
    forEach { entry, _ in bits.append(bit(entry)) }
    let ones = bits.count { $0 }
    guard min(ones, count - ones) >= count / Self.leastPart else { return nil }
    let low = SlotTable(
      capacity: Self.capacity(for: count - ones), depth: depth + 1, generation: generation)
    let high = SlotTable(
      capacity: Self.capacity(for: ones), depth: depth + 1, generation: generation)
    var next = 0
    forEach { entry, hash in
      (bits[next] ? high : low).insert(entry, hash)
      next += 1
    }
    return (low, high)
  }

  /// Slots for so many entries and some more: about a quarter more than the last time, so that
  /// memory is well used at all sizes.
  static func capacity(for count: Int) -> Int {
    max(smallestCapacity, (count + 1) * 25 / 16 + 1)
  }
}
