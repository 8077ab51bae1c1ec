// SPDX-License-Identifier: Apache-2.0

public import ChangeJournal

/// The protocol versions this program speaks.
public enum SyncProtocol {
  /// Oldest and newest version.
  public static let versions: ClosedRange<UInt64> = 1...1
}

/// How a replica introduces itself: all that the other side needs to decide what to do.
public struct Hello: Hashable, Sendable {
  /// The last transaction of an origin that a replica has applied.
  public struct Head: Hashable, Sendable {
    /// The transaction.
    public let dot: Dot
    /// The hash of the origin's chain at it.
    public let hash: Hash256

    /// Pairs a transaction with the hash of its chain.
    public init(dot: Dot, hash: Hash256) {
      self.dot = dot
      self.hash = hash
    }
  }

  /// Oldest and newest protocol version it speaks.
  public var versions: ClosedRange<UInt64>
  /// The data set it is a replica of.
  public var storeID: StoreID
  /// Under what name it writes.
  public var origin: Origin
  /// Its clock, in milliseconds since 1970.
  public var clock: UInt64
  /// For each origin the last transaction applied.
  ///
  /// Ordered by origin, each origin once.
  public var heads: [Head]
  /// What it has applied or holds: what need not be sent again.
  public var received: VersionVector
  /// How many transactions it holds back.
  public var held: UInt64

  /// Creates an introduction.
  public init(
    versions: ClosedRange<UInt64> = SyncProtocol.versions, storeID: StoreID, origin: Origin,
    clock: UInt64, heads: [Head], received: VersionVector, held: UInt64
  ) {
    self.versions = versions
    self.storeID = storeID
    self.origin = origin
    self.clock = clock
    self.heads = heads
    self.received = received
    self.held = held
  }

  /// Everything applied.
  public var applied: VersionVector {
    var vector = VersionVector()
    for head in heads { vector[head.dot.origin] = head.dot.sequence }
    return vector
  }

  /// Whether the store has never seen a transaction and may still take another identity.
  public var isEmpty: Bool { received.isEmpty && heads.isEmpty }
}
