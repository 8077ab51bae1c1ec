// SPDX-License-Identifier: Apache-2.0

public import ChangeJournal

/// Transactions, and the records they touch (a record counts once for each transaction).
public struct SyncCount: Sendable, Hashable {
  /// How many transactions.
  public var transactions: UInt64 = 0
  /// How many records in them.
  public var records: UInt64 = 0

  /// Nothing yet.
  public init() {}
}

/// What the handshake found out.
public struct SyncPlan: Sendable, Hashable {
  /// The peer's name as a writer.
  public var peer: Origin
  /// The data set both are replicas of, once the sync is done.
  public var storeID: StoreID
  /// Whether our store takes the peer's identity.
  public var adoptsPeer: Bool
  /// Whether the peer's store takes ours.
  public var peerAdopts: Bool
  /// Transactions the peer has and we do not.
  public var toPull: UInt64
  /// Transactions we have and the peer does not.
  public var toPush: UInt64
  /// Milliseconds the peer's clock is ahead of ours; negative when behind.
  ///
  /// Good to half the time the handshake took.
  public var clockOffset: Int64
}

/// What a session has done.
public struct SyncReport: Sendable, Hashable {
  /// What the handshake found; `nil` before.
  public var plan: SyncPlan?
  /// What was received and taken by our store.
  public var pulled = SyncCount()
  /// What was sent and taken by the peer's store.
  public var pushed = SyncCount()
  /// Transactions that our store holds back now: they come from too far in the future, or wait
  /// for such ones.
  public var held: UInt64 = 0
  /// Transactions that the peer holds back now, as far as it said.
  public var heldByPeer: UInt64 = 0
  /// Journal bytes received, as they came over the wire.
  public var bytesReceived: UInt64 = 0
  /// Journal bytes sent, as they went over the wire.
  public var bytesSent: UInt64 = 0
  /// Everything our store has applied now.
  public var position = VersionVector()

  /// Nothing yet.
  public init() {}
}

/// How far a session is.
public struct SyncProgress: Sendable, Hashable {
  /// What is being done.
  public enum Phase: Sendable, Hashable {
    /// Getting acquainted.
    case handshake
    /// Receiving.
    case pull
    /// Sending.
    case push
  }

  /// What is being done.
  public var phase: Phase
  /// Transactions of this phase done.
  public var done: UInt64
  /// Transactions of this phase in all, as known at the handshake.
  public var total: UInt64
  /// Records of this phase done.
  public var records: UInt64
  /// Journal bytes of this phase, as they came or went over the wire.
  public var bytes: UInt64
}
