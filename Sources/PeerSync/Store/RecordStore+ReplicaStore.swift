// SPDX-License-Identifier: Apache-2.0

public import ChangeJournal
public import Records

extension JournalCursor: TransactionSource {}

extension RecordStore: ReplicaStore {
  /// Introduces the store, after it has applied what it held back and may apply by now.
  public func facts(hashesAt dots: [Dot], clock: UInt64) throws -> ReplicaFacts {
    try releaseHeld()
    // Read in this order, so that what another thread applies in between makes the later answers
    // larger: what is received always covers what is applied.
    let heads = try chainHeads()
    let received = try receivedVector()
    var hashes: [Dot: Hash256] = [:]
    for head in heads { hashes[head.dot] = head.hash }
    for dot in dots where hashes[dot] == nil { hashes[dot] = try chainHash(of: dot) }
    let status = try status()
    let hello = Hello(
      storeID: status.storeID, origin: status.origin, clock: clock,
      heads: heads.map { Hello.Head(dot: $0.dot, hash: $0.hash) }, received: received,
      held: UInt64(status.held.count))
    return ReplicaFacts(hello: hello, hashes: hashes)
  }

  /// Applies transactions of other replicas.
  public func take(_ batch: [EncodedTransaction], of storeID: StoreID) throws -> TakeOutcome {
    let outcome = try apply(batch, of: storeID)
    return TakeOutcome(
      applied: UInt64(outcome.applied), held: UInt64(outcome.held), known: UInt64(outcome.known))
  }

  /// Lists the transactions beyond a position.
  public func transactions(
    since position: VersionVector
  ) throws -> (storeID: StoreID, journal: JournalCursor) {
    // In this order: a store that has transactions stays with its data set, so what is committed
    // now is that of the journal, unless the journal is empty.
    let journal = try journal(since: position)
    return (try status().storeID, journal)
  }
}
