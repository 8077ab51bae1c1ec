// SPDX-License-Identifier: Apache-2.0

/// What a session is to do.
public struct SyncOptions: Sendable, Hashable {
  /// Which way transactions go.
  public enum Direction: Sendable, Hashable {
    /// Only towards us.
    case pull
    /// Only towards the peer.
    case push
    /// First towards us, then towards the peer.
    case both
  }

  /// Which way transactions go.
  public var direction = Direction.both
  /// Join the peer's data set although both stores have transactions of their own.
  public var adopt = false
  /// Only say what would be done.
  public var isDryRun = false
  /// Canonical bytes of transactions received before they are handed to the store.
  ///
  /// At most three such batches are in memory: one on its way, one waiting, one being applied. A
  /// batch exceeds this by at most one transaction.
  public var pullBytes = 4 << 20
  /// Canonical bytes of transactions sent before an acknowledgement is asked for.
  ///
  /// At most two such batches are in memory. A batch exceeds this by at most one transaction.
  public var pushBytes = 16 << 20
  /// Milliseconds the peer may take to answer one request, as judged at each `.tick`.
  ///
  /// A carrier that bounds silence itself, as the one over HTTP does, sends no ticks.
  public var answerTimeout: UInt64 = 60_000

  /// The defaults: both ways.
  public init(direction: Direction = .both, adopt: Bool = false, isDryRun: Bool = false) {
    self.direction = direction
    self.adopt = adopt
    self.isDryRun = isDryRun
  }
}
