// SPDX-License-Identifier: Apache-2.0

internal import StorageEngine

/// A journal in one view of its store, with the heads of all origins at hand.
struct JournalView {
  let journal: Journal
  let reader: any TreeReader
  var heads: JournalHeads

  init(journal: Journal, reader: any TreeReader) throws(JournalError) {
    self.init(journal: journal, reader: reader, heads: try journal.heads(in: reader))
  }

  /// With heads that are known already.
  init(journal: Journal, reader: any TreeReader, heads: JournalHeads) {
    self.journal = journal
    self.reader = reader
    self.heads = heads
  }

  /// Reads an applied transaction, which must be there.
  func applied(_ dot: Dot) throws(JournalError) -> EncodedTransaction {
    guard let transaction = try journal.transaction(dot, in: reader) else {
      throw .corrupt(.entry("\(dot)", in: .transactions), problem: "the entry is missing")
    }
    return transaction
  }

  /// Reads a held transaction, or returns `nil`.
  func held(_ dot: Dot) throws(JournalError) -> EncodedTransaction? {
    try journal.transaction(dot, in: journal.trees.held, .held, reader)
  }
}

// MARK: Checks

extension JournalView {
  /// Refuses an origin whose tag is another's.
  func checkTag(of head: OriginHead) throws(JournalError) {
    if let other = heads.tags[head.tag], other != head.origin {
      throw .tagCollision(other, head.origin)
    }
  }

  /// Refuses a transaction in whose place another is applied.
  func checkKnown(_ offered: EncodedTransaction, _ head: OriginHead) throws(JournalError) {
    let known =
      if offered.header.sequence == head.sequence { head.hash } else {
        try applied(offered.dot).hash
      }
    guard known == offered.hash else {
      throw .fork(offered.dot, known: known, offered: offered.hash)
    }
  }

  /// Checks a transaction that is not applied yet.
  ///
  /// - Returns: why it must be held, or `nil` when it may be applied.
  func holdReason(
    of offered: EncodedTransaction, _ policy: AdmissionPolicy
  ) throws(JournalError) -> HoldReason? {
    let header = offered.header
    let head = heads.head(of: header.origin)
    try checkTag(of: head)
    if header.sequence > head.sequence + 1 {
      return .waiting(for: try heldPredecessor(of: offered, head))
    }
    try checkSuccession(offered, head.chainHead, head.timestamp)
    if let entry = heads.applied.firstEntryBeyond(header.dependencies) {
      let missing = Dot(origin: entry.origin, sequence: entry.sequence)
      guard try held(missing) != nil else { throw .waiting(offered.dot, for: missing) }
      return .waiting(for: missing)
    }
    try checkCausality(of: offered)
    return policy.release(of: header.timestamp).map { .tooFarAhead(releaseAt: $0) }
  }

  /// Finds the transaction before one that is not next; it must be held.
  private func heldPredecessor(
    of offered: EncodedTransaction, _ head: OriginHead
  ) throws(JournalError) -> Dot {
    let dot = Dot(origin: offered.header.origin, sequence: offered.header.sequence - 1)
    guard let predecessor = try held(dot) else {
      throw .gap(offered.dot, expected: head.sequence + 1)
    }
    try checkSuccession(
      offered, ChainHead(sequence: dot.sequence, hash: predecessor.hash),
      predecessor.header.timestamp)
    return dot
  }

  /// Refuses a transaction that does not continue the chain of its origin, or not later.
  private func checkSuccession(
    _ offered: EncodedTransaction, _ previous: ChainHead, _ timestamp: HybridTimestamp
  ) throws(JournalError) {
    let dot = Dot(origin: offered.header.origin, sequence: previous.sequence)
    guard offered.header.previousHash == previous.hash else {
      throw .fork(dot, known: previous.hash, offered: offered.header.previousHash)
    }
    guard previous.sequence == 0 || offered.header.timestamp > timestamp else {
      throw .acausal(offered.dot, notAfter: dot)
    }
  }

  /// Refuses a timestamp that is not above those of all dependencies, which are applied.
  private func checkCausality(of offered: EncodedTransaction) throws(JournalError) {
    let timestamp = offered.header.timestamp
    // A head's timestamp is the highest of its origin: mostly no entry need be read.
    for entry in offered.header.dependencies.entries
    where heads.head(of: entry.origin).timestamp >= timestamp {
      let dot = Dot(origin: entry.origin, sequence: entry.sequence)
      guard try applied(dot).header.timestamp < timestamp else {
        throw .acausal(offered.dot, notAfter: dot)
      }
    }
  }

  /// Checks a transaction that is held: nothing that is wrong with it alone is an error.
  ///
  /// - Returns: why it must stay, or `nil` when it may be applied.
  func holdReason(
    ofHeld held: EncodedTransaction, _ policy: AdmissionPolicy
  ) throws(JournalError) -> HoldReason? {
    do {
      guard held.header.sequence > heads.head(of: held.header.origin).sequence else {
        return .refused("a transaction in its place is applied")
      }
      return try holdReason(of: held, policy)
    } catch {
      switch error {
      case .engine, .corrupt: throw error
      default: return .refused(error.description)
      }
    }
  }
}
