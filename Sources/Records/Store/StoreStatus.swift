// SPDX-License-Identifier: Apache-2.0

public import ChangeJournal

/// What a store holds and what it waits for.
public struct StoreStatus: Sendable, Equatable {
  /// One collection.
  public struct Collection: Sendable, Equatable {
    /// Its name.
    public let name: String
    /// How many records it has.
    public let records: UInt64
    /// How many deleted records it remembers.
    public let tombstones: UInt64
  }

  /// A transaction that is here and not applied.
  public struct Held: Sendable, Equatable {
    /// Its name.
    public let dot: Dot
    /// When it says it was written.
    public let timestamp: HybridTimestamp
    /// How many operations it has.
    public let operationCount: Int
    /// Why it is not applied.
    public let reason: HoldReason
    /// Milliseconds since 1970 at which it is applied at the earliest; `nil` for never.
    public let release: UInt64?
  }

  /// The data set.
  public let storeID: StoreID
  /// Who this store writes as.
  public let origin: Origin
  /// What is applied.
  public let applied: VersionVector
  /// The highest timestamp given or seen.
  public let clock: HybridTimestamp
  /// The collections, ordered by name (bytes).
  public let collections: [Collection]
  /// What is here and not applied, ordered by time.
  public let held: [Held]
}

/// What `RecordStore.apply` did with a batch.
public struct ApplyOutcome: Sendable, Equatable {
  /// Transactions applied, of this batch or released by it.
  public internal(set) var applied = 0
  /// Operations of those.
  public internal(set) var operations = 0
  /// Transactions that were known already.
  public internal(set) var known = 0
  /// Transactions put aside until time catches up or what they need is applied.
  public internal(set) var held = 0

  /// Nothing done yet.
  public init() {}
}
