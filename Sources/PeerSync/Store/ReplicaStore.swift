// SPDX-License-Identifier: Apache-2.0

public import ChangeJournal

/// What a session needs of a store.
///
/// Every call may block on the disk; all may come from any thread.
public protocol ReplicaStore: Sendable {
  /// The transactions of a journal, one by one.
  associatedtype Journal: TransactionSource

  /// Applies what was held back and may be applied by now, then says what the store is and has, and
  /// the chain's hash at each of `dots` that it has applied.
  ///
  /// `clock` (milliseconds since 1970) becomes part of the introduction.
  func facts(hashesAt dots: [Dot], clock: UInt64) throws -> ReplicaFacts
  /// Becomes a replica of another data set.
  ///
  /// Refused once the store has transactions, unless `force`; nothing happens when it is that data
  /// set already.
  func adopt(_ storeID: StoreID, force: Bool) throws
  /// Applies what is new and applicable, holds back what is from too far in the future, and returns
  /// when that is durable.
  ///
  /// All or nothing. `storeID` names the data set of the batch: in the same step a store without
  /// transactions becomes a replica of it, and one of another data set refuses. An empty batch only
  /// asks whether others would be refused.
  func take(_ batch: [EncodedTransaction], of storeID: StoreID) throws -> TakeOutcome
  /// Everything applied that `position` does not include, causes before effects, with the data set
  /// that it belongs to.
  func transactions(since position: VersionVector) throws -> (storeID: StoreID, journal: Journal)
}

/// Transactions one by one, causes before effects.
public protocol TransactionSource: SendableMetatype {
  /// The next transaction, `nil` after the last.
  mutating func next() throws -> EncodedTransaction?
}

/// What a store is and has at one moment.
public struct ReplicaFacts: Hashable, Sendable {
  /// How the store introduces itself.
  public var hello: Hello
  /// The chain hashes that were asked for, for those transactions that are applied.
  public var hashes: [Dot: Hash256]

  /// Creates facts.
  public init(hello: Hello, hashes: [Dot: Hash256]) {
    self.hello = hello
    self.hashes = hashes
  }
}

/// What became of a batch.
public struct TakeOutcome: Hashable, Sendable {
  /// Transactions of the batch, and earlier ones that waited, that were applied.
  public var applied: UInt64
  /// Transactions of the batch that are held back.
  public var held: UInt64
  /// Transactions of the batch that were here already.
  public var known: UInt64

  /// Creates an outcome.
  public init(applied: UInt64, held: UInt64, known: UInt64) {
    self.applied = applied
    self.held = held
    self.known = known
  }
}
