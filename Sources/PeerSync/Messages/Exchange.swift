// SPDX-License-Identifier: Apache-2.0

public import ChangeJournal

/// What a session asks of the peer.
///
/// Each request has exactly one answer.
public enum SyncRequest: Sendable {
  /// Introduce ourselves.
  ///
  /// Answered by `.hello`.
  case hello(Hello)
  /// Ask for what the peer has applied and `since` does not include, up to about so many canonical
  /// bytes.
  ///
  /// Answered by `.batch`.
  case pull(since: VersionVector, bytes: Int)
  /// Give transactions.
  ///
  /// Answered by `.acknowledgement` when they are durable there.
  case push(SentBatch)
}

/// What a peer answers.
public enum SyncAnswer: Sendable {
  /// It introduces itself.
  case hello(Hello)
  /// It gives transactions.
  case batch(ReceivedBatch)
  /// It has taken transactions; `bytes` is what they were on the wire.
  case acknowledgement(Acknowledgement, bytes: UInt64)
}

/// Transactions for a peer.
public struct SentBatch: Sendable {
  /// The data set they belong to.
  public var storeID: StoreID
  /// What the peer has already, as far as we know.
  public var since: VersionVector
  /// The transactions, causes before effects.
  public var transactions: [EncodedTransaction]

  /// Creates a batch.
  public init(storeID: StoreID, since: VersionVector, transactions: [EncodedTransaction]) {
    self.storeID = storeID
    self.since = since
    self.transactions = transactions
  }
}

/// Transactions that came from a peer.
public struct ReceivedBatch: Sendable {
  /// The data set they belong to.
  public var storeID: StoreID
  /// The transactions, causes before effects.
  public var transactions: [EncodedTransaction]
  /// Whether the peer has no more.
  public var isLast: Bool
  /// What they were on the wire.
  public var bytes: UInt64

  /// Creates a batch.
  public init(
    storeID: StoreID, transactions: [EncodedTransaction], isLast: Bool, bytes: UInt64
  ) {
    self.storeID = storeID
    self.transactions = transactions
    self.isLast = isLast
    self.bytes = bytes
  }
}
