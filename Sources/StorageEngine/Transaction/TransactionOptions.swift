// SPDX-License-Identifier: Apache-2.0

/// What a transaction checks when it commits, against what others committed since it began.
///
/// Whatever the strategy, a transaction reads one consistent state and its own changes, is
/// committed whole or not at all, and fails when a tree it changed was dropped, a name it gives was
/// taken, or an exclusive index would get a second value for a key.
public enum ConflictStrategy: UInt8, Sendable, CaseIterable {
  /// Nothing: of two transactions that changed one key, the later commit counts.
  ///
  /// Allows lost updates, write skew and read skew between what was read and what is overwritten.
  case lastWriteWins = 1
  /// What it wrote must be unchanged (the first committer wins): snapshot isolation.
  ///
  /// Excludes lost updates; allows write skew and phantoms.
  case versionOnWrite = 2
  /// What it wrote or read, key by key, must be unchanged, names that it looked up included.
  ///
  /// A key of a cluster index counts with all its values. Excludes write skew on keys that were
  /// read, absent ones included. What a cursor or a scan visits and what is counted does not count
  /// as read, even where it is one key: allows phantoms, and write skew on what was visited.
  case versionOnRead = 3
  /// What it wrote or read must be unchanged, and the ranges it visited, the counts it took and the
  /// lists of names too.
  ///
  /// Its commits are equivalent to running one after the other, among all serializable ones.
  case serializable = 4
}

/// How a transaction runs.
public struct TransactionOptions: Sendable {
  /// What it checks when it commits.
  public var strategy: ConflictStrategy
  /// A name of the caller's, of at most 512 bytes, shown for a transaction that is in doubt.
  public var identifier: [UInt8]
  /// What `commit` waits for; `nil` for what the database was opened with.
  public var durability: Durability?

  /// The longest identifier, in bytes.
  public static let maximumIdentifierBytes = 512

  /// Snapshot isolation, nameless, as durable as the database unless told otherwise.
  public init(
    strategy: ConflictStrategy = .versionOnWrite, identifier: [UInt8] = [],
    durability: Durability? = nil
  ) {
    self.strategy = strategy
    self.identifier = identifier
    self.durability = durability
  }
}
