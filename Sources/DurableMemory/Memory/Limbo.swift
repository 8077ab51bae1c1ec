// SPDX-License-Identifier: Apache-2.0

/// What was taken out of a map, until no reader and no snapshot can be looking at it.
///
/// Guarded by the lock of the map.
struct Limbo {
  enum Item {
    case entry(Entry)
    case table(SlotTable)
    case directory(Directory)
  }

  /// Items after which it is worth a look whether readers have left.
  private static let batch = 64

  private var items: [(epoch: UInt64, item: Item)] = []
  /// Items before this one are gone.
  private var first = 0
  private var sinceLook = 0

  /// How many wait.
  var count: Int { items.count - first }

  /// Adds what was taken out in an epoch; true when it is time to look.
  mutating func add(_ item: Item, _ epoch: UInt64) -> Bool {
    items.append((epoch, item))
    sinceLook += 1
    return sinceLook >= Self.batch
  }

  /// Notes a look.
  mutating func beginLook() {
    sinceLook = 0
  }

  /// Takes the next item that was taken out before an epoch.
  mutating func take(before oldest: UInt64) -> Item? {
    guard first < items.count, items[first].epoch < oldest else {
      compact()
      return nil
    }
    defer { first += 1 }
    return items[first].item
  }

  private mutating func compact() {
    guard first == items.count || first > items.count / 2 else { return }
    items.removeFirst(first)
    first = 0
  }
}

/// The snapshots of a map that are open.
///
/// Guarded by the lock of the map.
struct SnapshotList {
  /// Tables made from now on are of this generation.
  private(set) var generation: UInt64 = 1
  private var open: [(generation: UInt64, epoch: UInt64)] = []

  /// Tables up to this generation are shown by a snapshot; 0 when none is open.
  private(set) var newestShown: UInt64 = 0

  /// The epoch in which the oldest was taken.
  var oldestEpoch: UInt64 { open.first?.epoch ?? .max }

  /// How many are open.
  var count: Int { open.count }

  /// Opens one; the result goes to `close`.
  mutating func add(_ epoch: UInt64) -> UInt64 {
    defer { generation += 1 }
    open.append((generation, epoch))
    newestShown = generation
    return generation
  }

  mutating func close(_ generation: UInt64) {
    open.removeAll { $0.generation == generation }
    newestShown = open.last?.generation ?? 0
  }
}
