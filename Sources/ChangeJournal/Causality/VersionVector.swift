// SPDX-License-Identifier: Apache-2.0

/// For each origin the last sequence that is included: a position in the journal of a data set.
///
/// An origin that is absent counts as sequence 0; no entry ever holds 0.
public struct VersionVector: Hashable, Sendable {
  /// One origin and the last sequence included.
  public struct Entry: Hashable, Sendable, BitwiseCopyable {
    /// The origin.
    public let origin: Origin
    /// The last sequence included, from 1.
    public let sequence: UInt64
  }

  /// All entries, ordered by origin.
  public private(set) var entries: [Entry] = []

  /// Includes nothing.
  public init() {}

  /// Takes entries that are ordered by origin, without duplicates or zeros.
  init(ordered entries: [Entry]) {
    self.entries = entries
  }

  /// Whether nothing is included.
  public var isEmpty: Bool { entries.isEmpty }

  /// How many origins are included.
  public var count: Int { entries.count }

  /// The last sequence included of an origin, 0 for none.
  ///
  /// Setting 0 removes the origin.
  public subscript(origin: Origin) -> UInt64 {
    get {
      let slot = slot(of: origin)
      return slot < entries.count && entries[slot].origin == origin ? entries[slot].sequence : 0
    }
    set {
      let slot = slot(of: origin)
      let isPresent = slot < entries.count && entries[slot].origin == origin
      switch (isPresent, newValue) {
      case (true, 0): entries.remove(at: slot)
      case (true, _): entries[slot] = Entry(origin: origin, sequence: newValue)
      case (false, 0): break
      case (false, _): entries.insert(Entry(origin: origin, sequence: newValue), at: slot)
      }
    }
  }

  /// All but one origin.
  func without(_ origin: Origin) -> VersionVector {
    VersionVector(ordered: entries.filter { $0.origin != origin })
  }

  /// Where `origin` is, or would be inserted.
  private func slot(of origin: Origin) -> Int {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = low + (high - low) / 2
      if entries[middle].origin < origin {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low
  }
}

extension VersionVector {
  /// Whether the transaction is included.
  public func covers(_ origin: Origin, _ sequence: UInt64) -> Bool {
    sequence <= self[origin]
  }

  /// Whether the transaction is included.
  public func covers(_ dot: Dot) -> Bool {
    covers(dot.origin, dot.sequence)
  }

  /// Whether everything that `other` includes is included here too.
  public func dominates(_ other: VersionVector) -> Bool {
    firstEntryBeyond(other) == nil
  }

  /// The first transaction that `other` names and that is not included here.
  func firstEntryBeyond(_ other: VersionVector) -> Entry? {
    var slot = 0
    for entry in other.entries {
      while slot < entries.count && entries[slot].origin < entry.origin { slot += 1 }
      guard slot < entries.count, entries[slot].origin == entry.origin,
        entries[slot].sequence >= entry.sequence
      else { return entry }
    }
    return nil
  }
}
