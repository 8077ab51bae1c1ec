// SPDX-License-Identifier: Apache-2.0

/// Checks that transactions continue the chain of their origin, without a store.
///
/// The chain of an origin is known from the heads given, or from its first transaction on; a
/// transaction with sequence 1 is always known to begin it.
public struct ChainVerifier: Sendable {
  private var heads: [Origin: ChainHead]

  /// Starts from what is known of some origins.
  public init(heads: [Origin: ChainHead] = [:]) {
    self.heads = heads
  }

  /// Checks a transaction and remembers it.
  ///
  /// - Throws: `.gap` when it is not the next of its origin, `.fork` when the hash before it
  ///   differs.
  public mutating func verify(_ transaction: EncodedTransaction) throws(JournalError) {
    let header = transaction.header
    if let head = heads[header.origin] {
      guard header.sequence == head.sequence + 1 else {
        throw .gap(header.dot, expected: head.sequence + 1)
      }
      guard header.previousHash == head.hash else {
        throw .fork(
          Dot(origin: header.origin, sequence: head.sequence), known: head.hash,
          offered: header.previousHash)
      }
    }
    heads[header.origin] = ChainHead(sequence: header.sequence, hash: transaction.hash)
  }
}

/// The last transaction known of an origin.
public struct ChainHead: Hashable, Sendable {
  /// Its place in the sequence.
  public let sequence: UInt64
  /// Its chain hash.
  public let hash: Hash256

  /// Names a transaction and its hash.
  public init(sequence: UInt64, hash: Hash256) {
    self.sequence = sequence
    self.hash = hash
  }
}
