// SPDX-License-Identifier: Apache-2.0

public import ChangeJournal
import StorageEngine

extension RecordStore {
  /// Describes what the store holds and waits for.
  public func status() throws -> StoreStatus {
    try read { view in
      let meta = try MetaTree.open(view.trees)
      let heads = try journal.heads(in: view.trees)
      var held: [StoreStatus.Held] = []
      let policy = policy
      try journal.forEachHeld(in: view.trees, policy) { held.append(.init($0, policy)) }
      held.sort { ($0.timestamp, $0.dot) < ($1.timestamp, $1.dot) }
      return StoreStatus(
        storeID: try meta.storeID(), origin: try meta.origin(), applied: heads.applied,
        clock: heads.clock.last, collections: try view.collectionCounts(), held: held)
    }
  }

  /// Lists the transactions beyond a position, in causal order, from one consistent view.
  public func journal(since position: VersionVector = VersionVector()) throws -> JournalCursor {
    try journal.cursor(since: position, in: database.snapshot())
  }

  /// What is applied, as far as it is durable.
  public func appliedVector() throws -> VersionVector {
    try read { try journal.appliedVector(in: $0.trees) }
  }

  /// What is applied or put aside: what need not be sent here again.
  public func receivedVector() throws -> VersionVector {
    try read { view in
      var vector = try journal.appliedVector(in: view.trees)
      // They come in the order of their sequence.
      try journal.forEachHeld(in: view.trees, policy) { held in
        let dot = held.header.dot
        if dot.sequence == vector[dot.origin] + 1 { vector[dot.origin] = dot.sequence }
      }
      return vector
    }
  }

  /// The last transaction applied of each origin, ordered by origin.
  public func chainHeads() throws -> [OriginHead] {
    try read { try journal.heads(in: $0.trees).ordered }
  }

  /// The chain hash of an applied transaction; `nil` when it is not applied.
  public func chainHash(of dot: Dot) throws -> Hash256? {
    try read { try journal.hash(of: dot, in: $0.trees) }
  }
}

extension StoreStatus.Held {
  init(_ held: HeldTransaction, _ policy: AdmissionPolicy) {
    dot = held.header.dot
    timestamp = held.header.timestamp
    operationCount = held.header.operationCount
    reason = held.reason
    switch held.reason {
    case .tooFarAhead(let time): release = time
    case .waiting:
      let written = timestamp.milliseconds
      release = written > policy.maximumAhead ? written - policy.maximumAhead : 0
    case .refused: release = nil
    }
  }
}
