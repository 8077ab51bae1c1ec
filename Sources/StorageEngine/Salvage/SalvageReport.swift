// SPDX-License-Identifier: Apache-2.0

/// What could be read of a damaged store, and what could not.
public struct SalvageReport: Sendable {
  /// A tree of the new store.
  public struct Tree: Sendable, Equatable {
    /// Its name.
    public let name: String
    /// Whether that is made of its number, because nothing that can be read gives it a name that it
    /// can have.
    public let isNameLost: Bool
    /// Entries that it has.
    public var entries: UInt64
    /// Entries that were found in pages that nothing refers to any more, where the tree is damaged:
    /// they may be older than the last commit.
    public var strayEntries: UInt64
  }

  /// Something that could not be read.
  public struct Loss: Sendable, Equatable {
    /// The tree it belongs to, if any.
    public let tree: String?
    /// The first key that may be missing; `nil` for the very first.
    public let from: [UInt8]?
    /// The first key behind that is not; `nil` for no end.
    public let upTo: [UInt8]?
    /// Where the damage is, and what it is.
    public let damage: Damage

    package init(tree: String?, from: [UInt8]?, upTo: [UInt8]?, damage: Damage) {
      self.tree = tree
      self.from = from
      self.upTo = upTo
      self.damage = damage
    }
  }

  /// The trees, by number.
  public internal(set) var trees: [Tree] = []
  /// Everything that could not be read.
  public package(set) var losses: [Loss] = []
  /// Transactions of the log that were applied.
  public internal(set) var logTransactions: UInt64 = 0
  /// Transactions of the log that are missing before others that were applied; behind the last of
  /// those there may have been more.
  public internal(set) var lostLogTransactions: UInt64 = 0

  /// Whether everything was read.
  public var isComplete: Bool { losses.isEmpty }
}
