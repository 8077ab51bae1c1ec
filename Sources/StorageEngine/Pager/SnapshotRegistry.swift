// SPDX-License-Identifier: Apache-2.0

/// Which states are being looked at, by LSN, and which are kept under a name.
final class SnapshotRegistry: @unchecked Sendable {
  /// A view that somebody holds.
  struct Reader {
    let lsn: UInt64
    /// Milliseconds since 1970.
    let openedAt: UInt64
  }

  let lock = Lock()
  /// In ascending order of LSNs.
  @safe @exclusivity(unchecked) private var counts: [(lsn: UInt64, count: Int)] = []
  @safe @exclusivity(unchecked) private var closes: UInt64 = 0
  /// The views that are snapshots, each at the place it was given.
  @safe @exclusivity(unchecked) private var readers: [Reader?] = []
  @safe @exclusivity(unchecked) private var freePlaces: [Int] = []
  /// In ascending order of LSNs.
  @safe @exclusivity(unchecked) private var named: [NamedState] = []
  @safe @exclusivity(unchecked) private var removals: UInt64 = 0

  /// Registers a view.
  ///
  /// Call under `lock`, together with reading the published state.
  func open(_ lsn: UInt64) {
    let position = position(notBelow: lsn)
    if position < counts.count, counts[position].lsn == lsn {
      counts[position].count += 1
    } else {
      counts.insert((lsn, 1), at: position)
    }
  }

  /// The position of the first count whose LSN is not below another.
  private func position(notBelow lsn: UInt64) -> Int {
    // Nearly all views are of the last state.
    if let last = counts.last, last.lsn == lsn { return counts.count - 1 }
    var (low, high) = (0, counts.count)
    while low < high {
      let middle = (low + high) >> 1
      if counts[middle].lsn < lsn { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Registers a view that is a snapshot; returns what `close` needs.
  ///
  /// Call under `lock`, together with reading the published state.
  func openReader(_ lsn: UInt64, at time: UInt64) -> Int {
    open(lsn)
    let reader = Reader(lsn: lsn, openedAt: time)
    if let place = freePlaces.popLast() {
      readers[place] = reader
      return place
    }
    readers.append(reader)
    return readers.count - 1
  }

  func close(_ lsn: UInt64, reader: Int? = nil) {
    lock.withLock {
      if let reader {
        readers[reader] = nil
        freePlaces.append(reader)
      }
      let position = position(notBelow: lsn)
      guard position < counts.count, counts[position].lsn == lsn else { return }
      counts[position].count -= 1
      if counts[position].count == 0 {
        counts.remove(at: position)
        closes += 1
      }
    }
  }

  /// What is being looked at at one moment.
  struct Views {
    /// In ascending order.
    let lsns: [UInt64]
    /// Changes when an LSN is given up.
    let generation: UInt64
    /// In ascending order.
    let named: [NamedState]
    /// Changes when a named snapshot is given up.
    let namedGeneration: UInt64

    /// Whether the state of an LSN is being looked at.
    func shows(_ lsn: UInt64) -> Bool {
      let position = lsns.firstPosition(notBelow: lsn)
      return position < lsns.count && lsns[position] == lsn
    }
  }

  func current() -> Views {
    lock.withLock {
      Views(
        lsns: counts.map(\.lsn), generation: closes, named: named, namedGeneration: removals)
    }
  }

  /// The snapshots that are open, the oldest state first.
  var openReaders: [Reader] {
    lock.withLock { readers.compactMap { $0 } }
      .sorted { ($0.lsn, $0.openedAt) < ($1.lsn, $1.openedAt) }
  }
}

// MARK: - Named snapshots, changed under the pager's structure lock

extension SnapshotRegistry {
  /// The named snapshots, oldest first.
  var namedStates: [NamedState] { lock.withLock { named } }

  /// The named snapshots that somebody was told of, oldest first.
  var wantedStates: [NamedState] { namedStates.filter { !$0.isUnwanted } }

  /// Call under `lock`.
  func namedState(_ name: TreeName) -> NamedState? {
    named.first { $0.name == name && !$0.isUnwanted }
  }

  /// Hides a named snapshot whose making failed after its entry was committed: it keeps what it
  /// sees until its entry is removed.
  func markUnwanted(_ name: TreeName) {
    lock.withLock {
      for position in named.indices where named[position].name == name {
        named[position].isUnwanted = true
      }
    }
  }

  func setNamed(_ states: [NamedState]) {
    lock.withLock {
      named = states.sorted { $0.lsn < $1.lsn }
      removals += 1
    }
  }

  func addNamed(_ state: NamedState) {
    lock.withLock {
      named.insert(state, at: named.firstIndex { $0.lsn > state.lsn } ?? named.count)
    }
  }

  func removeNamed(_ name: TreeName) {
    lock.withLock {
      named.removeAll { $0.name == name }
      removals += 1
    }
  }
}
