// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A view of a map of bytes.
final class MapSnapshot: Sendable {
  let name: String
  /// Entries shown, those included that had expired.
  let storedCount: Int
  private let memory: MapMemory
  private let tables: [SlotTable]
  private let number: UInt64
  private let now: UInt64
  /// How many go through it, and above all that whether it is closed.
  private let visitors = Atomic<Int>(0)
  private static let closedMark = 1 << 32

  /// `showsExpired` also shows entries that have.
  init(_ core: MapCore, showsExpired: Bool = false) throws(DurableMapError) {
    name = core.name
    let memory = core.memory
    self.memory = memory
    now = showsExpired ? 0 : memory.time()
    guard let taken = memory.withLockUnlessHeld({ memory.openSnapshot() }) else {
      throw core.closedError
    }
    (tables, storedCount, number) = taken
  }

  deinit {
    close()
  }

  /// Calls `body` with each entry that had not expired, until it returns false.
  func visit(
    _ body: (Entry) throws(DurableMapError) -> Bool
  ) throws(DurableMapError) {
    try enter()
    defer { leave() }
    for table in tables {
      let goesOn = try table.visit { (entry) throws(DurableMapError) in
        try isShown(entry) ? body(entry) : true
      }
      guard goesOn else { return }
    }
  }

  private func isShown(_ entry: Entry) -> Bool {
    guard let expiry = entry.expiry else { return true }
    return now < expiry
  }

  private func enter() throws(DurableMapError) {
    let before = visitors.add(1, ordering: .acquiringAndReleasing).oldValue
    guard before >= Self.closedMark else { return }
    leave()
    throw .closed(map: name)
  }

  private func leave() {
    let left = visitors.subtract(1, ordering: .acquiringAndReleasing).newValue
    if left == Self.closedMark { release() }
  }

  /// Lets nobody in any more; the memory is given up when the last visitor has left.
  func close() {
    var known = visitors.load(ordering: .relaxed)
    while known < Self.closedMark {
      let (exchanged, original) = visitors.compareExchange(
        expected: known, desired: known + Self.closedMark, ordering: .acquiringAndReleasing)
      if exchanged {
        if known == 0 { release() }
        return
      }
      known = original
    }
  }

  private func release() {
    // A visitor that came too late may be the one that leaves last, a second time.
    guard isReleased.exchange(true, ordering: .acquiringAndReleasing) == false else { return }
    memory.withLockUnlessHeld { memory.closeSnapshot(number) }
  }

  private let isReleased = Atomic<Bool>(false)
}
