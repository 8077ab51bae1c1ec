// SPDX-License-Identifier: Apache-2.0

public import ChangeJournal

/// The other side of a session.
///
/// It keeps nothing between requests: a request may come twice, late, or from a session that is
/// long gone, and does no harm.
public struct SyncResponder<Store: ReplicaStore>: Sendable {
  private let store: Store

  /// Answers for a store.
  public init(store: Store) {
    self.store = store
  }

  /// Introduces the store.
  public func hello(clock: UInt64) throws(SyncError) -> Hello {
    try facts(hashesAt: [], clock: clock).hello
  }

  /// Introduces the store to someone who has, and refuses one whose history cannot be joined.
  public func answer(_ peer: Hello, clock: UInt64) throws(SyncError) -> Hello {
    let mine = try facts(hashesAt: peer.heads.map(\.dot), clock: clock)
    _ = try Handshake.agreeOnVersion(mine.hello, peer)
    try Handshake.checkForFork(mine: mine, peer: peer)
    try Handshake.checkForRollback(of: mine.hello, witness: peer)
    return mine.hello
  }

  /// Takes transactions of a data set, durably.
  ///
  /// A store without transactions takes its identity with the first of them; an empty batch changes
  /// nothing, and is refused as others of this data set would be.
  public func take(
    _ batch: [EncodedTransaction], of storeID: StoreID
  ) throws(SyncError) -> TakeOutcome {
    do {
      return try store.take(batch, of: storeID)
    } catch {
      throw SyncError(error)
    }
  }

  /// Says what has been taken.
  public func acknowledgement() throws(SyncError) -> Acknowledgement {
    let hello = try facts(hashesAt: [], clock: 0).hello
    return Acknowledgement(applied: hello.applied, received: hello.received, held: hello.held)
  }

  /// Lists what is applied and `position` does not include, and says of which data set it is.
  public func transactions(
    since position: VersionVector
  ) throws(SyncError) -> (storeID: StoreID, journal: Store.Journal) {
    do {
      return try store.transactions(since: position)
    } catch {
      throw SyncError(error)
    }
  }

  private func facts(hashesAt dots: [Dot], clock: UInt64) throws(SyncError) -> ReplicaFacts {
    do {
      return try store.facts(hashesAt: dots, clock: clock)
    } catch {
      throw SyncError(error)
    }
  }
}
