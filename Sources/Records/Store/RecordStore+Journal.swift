// SPDX-License-Identifier: Apache-2.0

public import ChangeJournal
import StorageEngine

extension RecordStore {
  /// Describes what the store holds and waits for.
  public func status() throws -> StoreStatus {
    let snapshot = try database.snapshot()
    defer { snapshot.close() }
    guard let meta = try MetaTree(snapshot) else {
      throw RecordStoreError.corruptStore(place: StoreTree.meta, problem: "it is missing")
    }
    let applied = try Self.appliedVector(snapshot)
    return StoreStatus(
      storeID: try meta.storeID(), origin: try meta.origin(), applied: applied,
      clock: try meta.clock().last,
      collections: try RecordSnapshot(snapshot).collectionCounts(),
      held: try heldStatus(snapshot, applied))
  }

  private func heldStatus(
    _ snapshot: Snapshot, _ applied: VersionVector
  ) throws -> [StoreStatus.Held] {
    let now = environment.now()
    return try (HeldTree(snapshot)?.all() ?? []).map { held in
      let release = held.release(maxAhead: environment.maxAhead)
      let missing = held.header.dependencies.entries.first { $0.sequence > applied[$0.origin] }
      let reason: StoreStatus.Held.Reason
      if release > now {
        reason = .ahead
      } else if let missing {
        reason = .waiting(for: Dot(origin: missing.origin, sequence: missing.sequence))
      } else {
        reason = .waiting(
          for: Dot(origin: held.header.origin, sequence: held.header.sequence - 1))
      }
      return StoreStatus.Held(
        dot: held.dot, timestamp: held.header.timestamp,
        operationCount: held.header.operationCount, reason: reason, release: release)
    }
  }

  /// Lists the transactions beyond a position, in causal order, from one consistent view.
  public func journal(since position: VersionVector = VersionVector()) throws -> JournalCursor {
    try JournalCursor(database.snapshot(), since: position)
  }

  /// What is applied, as far as it is durable.
  public func appliedVector() throws -> VersionVector {
    let snapshot = try database.snapshot()
    defer { snapshot.close() }
    return try Self.appliedVector(snapshot)
  }

  /// What is applied or put aside: what need not be sent here again.
  public func receivedVector() throws -> VersionVector {
    let snapshot = try database.snapshot()
    defer { snapshot.close() }
    var vector = try Self.appliedVector(snapshot)
    // Ordered by time, so those of one origin come in their sequence.
    for held in try HeldTree(snapshot)?.all() ?? []
    where held.header.sequence == vector[held.header.origin] + 1 {
      vector[held.header.origin] = held.header.sequence
    }
    return vector
  }

  /// The last transaction applied of each origin, ordered by origin.
  public func chainHeads() throws -> [ChainHead] {
    let snapshot = try database.snapshot()
    defer { snapshot.close() }
    return try JournalTrees(snapshot).chainHeads()
  }

  /// The chain hash of an applied transaction; `nil` when it is not applied.
  public func chainHash(of dot: Dot) throws -> Hash256? {
    let snapshot = try database.snapshot()
    defer { snapshot.close() }
    return try JournalTrees(snapshot).transaction(dot)?.hash
  }

  static func appliedVector(_ reader: any TreeReader) throws -> VersionVector {
    var vector = VersionVector()
    for head in try JournalTrees(reader).chainHeads() {
      vector[head.dot.origin] = head.dot.sequence
    }
    return vector
  }
}

/// Reads transactions of the journal one by one.
public final class JournalCursor {
  private let snapshot: Snapshot
  private let journal: JournalTrees
  private var fronts: [(stamp: Stamp, transaction: EncodedTransaction)] = []

  init(_ snapshot: Snapshot, since position: VersionVector) throws {
    self.snapshot = snapshot
    journal = try JournalTrees(snapshot)
    for head in try journal.chainHeads() {
      try push(Dot(origin: head.dot.origin, sequence: position[head.dot.origin] + 1))
    }
  }

  private func push(_ dot: Dot) throws {
    guard let transaction = try journal.transaction(dot) else { return }
    fronts.append(
      (
        Stamp(
          timestamp: transaction.header.timestamp.rawValue, tag: dot.origin.tag,
          sequence: dot.sequence), transaction
      ))
  }

  /// Reads the next transaction; `nil` behind the last.
  public func next() throws -> EncodedTransaction? {
    guard let slot = fronts.indices.min(by: { fronts[$0].stamp < fronts[$1].stamp }) else {
      return nil
    }
    let transaction = fronts.remove(at: slot).transaction
    try push(
      Dot(origin: transaction.header.origin, sequence: transaction.header.sequence + 1))
    return transaction
  }
}
