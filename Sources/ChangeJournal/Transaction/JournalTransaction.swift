// SPDX-License-Identifier: Apache-2.0

/// One transaction of the change journal, in full.
///
/// `EncodedTransaction` is the same as canonical bytes, which is how transactions are kept and
/// passed on.
public struct JournalTransaction: Hashable, Sendable {
  /// Who wrote it.
  public var origin: Origin
  /// Its place in the origin's sequence, from 1.
  public var sequence: UInt64
  /// When it was written.
  public var timestamp: HybridTimestamp
  /// Everything the origin had applied when it wrote, without the origin itself.
  public var dependencies: VersionVector
  /// The schema it was written under.
  public var schemaEpoch: UInt64
  /// The hash of the origin's previous transaction; `.zero` before the first.
  public var previousHash: Hash256
  /// The operations by collection, ordered by collection (bytes), each collection once.
  public var parts: [CollectionPart]

  /// Joins everything that makes a transaction.
  public init(
    origin: Origin, sequence: UInt64, timestamp: HybridTimestamp, dependencies: VersionVector,
    schemaEpoch: UInt64 = 0, previousHash: Hash256, parts: [CollectionPart]
  ) {
    self.origin = origin
    self.sequence = sequence
    self.timestamp = timestamp
    self.dependencies = dependencies
    self.schemaEpoch = schemaEpoch
    self.previousHash = previousHash
    self.parts = parts
  }

  /// Its name.
  public var dot: Dot { Dot(origin: origin, sequence: sequence) }
}
