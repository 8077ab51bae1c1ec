// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The entries of a map in memory.
///
/// Invariants:
/// - readers take no lock: they enter an epoch, follow the directory to a table, a slot, an entry,
///   and leave; what they can come to is complete before it can be found, and is used again only
///   when they have left;
/// - everything else is done by the one thread that holds `lock`;
/// - no two entries have the same key;
/// - tables of a generation that an open snapshot shows are copied before they are changed.
@usableFromInline
final class MapMemory: @unchecked Sendable {
  let lock = ChangeLock()
  let epochs = ReaderEpochs()
  private let hasher: KeyHash
  private let clock: @Sendable () -> UInt64
  /// The latest time that was seen.
  private let latest = Atomic<UInt64>(0)
  /// The word of the directory; 0 when the map is closed.
  let directoryWord: Atomic<UInt64>
  /// How many entries there are, those that have expired included.
  let count = Atomic<Int>(0)
  @safe @exclusivity(unchecked) var allocator = EntryAllocator()
  @safe @exclusivity(unchecked) var limbo = Limbo()
  @safe @exclusivity(unchecked) var snapshots = SnapshotList()
  /// Heads and parts of a transaction that is being applied.
  @safe @exclusivity(unchecked) var arrivals = PartsAssembly()
  /// The entries whose keys are too long to be keys of the tree.
  @safe @exclusivity(unchecked) var longKeys: [LongKeyName: Entry] = [:]
  @safe @exclusivity(unchecked) var tableBytes = 0
  @safe @exclusivity(unchecked) var keyBytes = 0
  @safe @exclusivity(unchecked) var valueBytes = 0

  /// `expected` is how many entries there will be at first.
  init(hasher: KeyHash, expected: Int, clock: @escaping @Sendable () -> UInt64) {
    self.hasher = hasher
    self.clock = clock
    var depth = 0
    while expected >> depth > Self.entriesPerTable { depth += 1 }
    let capacity = SlotTable.capacity(for: depth == 0 ? expected : (expected >> depth) * 17 / 16)
    var bytes = 0
    let directory = Directory(depth: depth) { _ in
      let table = SlotTable(capacity: capacity, depth: depth, generation: 0)
      bytes += table.byteCount
      return table
    }
    directoryWord = Atomic(directory.word)
    tableBytes = bytes + directory.byteCount
  }

  convenience init(seed: UInt64, expected: Int, clock: @escaping @Sendable () -> UInt64) {
    self.init(hasher: KeyHash(seed: seed), expected: expected, clock: clock)
  }

  /// Entries of a table that is made for a number known beforehand.
  private static let entriesPerTable = 2400

  deinit {
    freeAll()
  }

  var directory: Directory {
    Directory(word: directoryWord.load(ordering: .relaxed))
  }

  var isClosed: Bool { directoryWord.load(ordering: .acquiring) == 0 }

  /// Bytes of memory for entries and tables, also those that wait until readers have left.
  var byteCount: Int { allocator.byteCount + tableBytes }

  // MARK: Reading without a lock

  /// Looks for a key; the reader must leave the line of the answer in any case.
  @usableFromInline
  func find(_ key: Span<UInt8>) -> LentBytes {
    look(key, epochs.enter())
  }

  /// Begins to look for several keys; the reader must leave the line.
  @usableFromInline
  func enter() -> Int {
    epochs.enter()
  }

  /// Looks for a key, as a reader who is inside.
  @usableFromInline
  @inline(__always)
  func look(_ key: Span<UInt8>, _ line: Int) -> LentBytes {
    unsafe key.withUnsafeBytes { bytes in
      let start = unsafe bytes.baseAddress ?? Self.nowhere
      let hash = unsafe hasher(start, bytes.count)
      // In one order with the announcement: a writer that missed it is not missed here.
      let directory = Directory(word: directoryWord.load(ordering: .sequentiallyConsistent))
      guard directory.exists else { return LentBytes(address: 1, count: 0, line: line) }
      let table = directory[directory.index(for: hash)]
      let entry = unsafe table.find(SlotHash(hash), start, bytes.count)
      guard entry.exists else { return LentBytes(address: 0, count: 0, line: line) }
      return lent(entry, line)
    }
  }

  /// An address for no bytes at all.
  private nonisolated(unsafe) static let nowhere = UnsafeRawPointer(
    UnsafeMutableRawPointer.allocate(byteCount: 8, alignment: 8))

  @inline(__always)
  private func lent(_ entry: Entry, _ line: Int) -> LentBytes {
    let (place, flags, count) = entry.valuePlace
    if flags.isPlain { return LentBytes(address: place &+ 1, count: count &- 1, line: line) }
    if hasExpired(entry) { return LentBytes(address: 0, count: 0, line: line) }
    let skipped = flags.prefixBytes
    return LentBytes(address: place &+ UInt(skipped), count: count &- skipped, line: line)
  }

  /// Whether an entry counts as gone.
  func hasExpired(_ entry: Entry) -> Bool {
    guard let expiry = entry.expiry else { return false }
    return time() >= expiry
  }

  /// The time in milliseconds since 1970, never earlier than it was before: what has expired stays so
  /// when the clock is put back.
  func time() -> UInt64 {
    let now = clock()
    let seen = latest.load(ordering: .relaxed)
    if now <= seen { return seen }
    latest.max(now, ordering: .relaxed)
    return now
  }

  /// Ends the reading that a look began.
  @usableFromInline
  @inline(__always)
  func leave(_ line: Int) {
    epochs.leave(line)
  }

  // MARK: Hashes

  @inline(__always)
  func hash(_ key: Span<UInt8>) -> UInt64 {
    unsafe key.withUnsafeBytes { unsafe hasher($0.baseAddress ?? Self.nowhere, $0.count) }
  }

  @inline(__always)
  func hash(_ entry: Entry) -> UInt64 {
    unsafe hasher(entry.base + (Entry.headerBytes + 1), entry.plainKeyCount)
  }

  /// The entry of a key, or none; call under the lock.
  @inline(__always)
  func entry(_ key: Span<UInt8>, _ hash: UInt64) -> Entry {
    let directory = directory
    guard directory.exists else { return .none }
    return unsafe key.withUnsafeBytes { bytes in
      unsafe directory[directory.index(for: hash)].find(
        SlotHash(hash), bytes.baseAddress ?? Self.nowhere, bytes.count)
    }
  }
}
