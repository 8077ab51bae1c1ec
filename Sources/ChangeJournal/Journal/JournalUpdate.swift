// SPDX-License-Identifier: Apache-2.0

public import StorageEngine

/// The journal during one write transaction of the engine: appends what is written here, admits
/// what comes from elsewhere.
///
/// `Journal.update` makes one and writes the changed heads at its end. A write transaction must
/// not have two at the same time.
public struct JournalUpdate {
  let journal: Journal
  let transaction: WriteTransaction
  var view: JournalView
  private var changed: Set<Origin> = []
  /// Whether anything may be among the held.
  private(set) var hasHeld: Bool

  fileprivate init(
    journal: Journal, transaction: WriteTransaction
  ) throws(JournalError) {
    self.journal = journal
    self.transaction = transaction
    view = try JournalView(journal: journal, reader: transaction)
    hasHeld = try journal.heldCount(in: transaction) > 0
  }

  /// The heads of all origins, including what this update has added.
  public var heads: JournalHeads { view.heads }

  /// Appends a transaction that is written on this replica now: gives it the next sequence of
  /// `origin`, the next timestamp of the clock, everything applied as dependencies, and the chain.
  ///
  /// - Parameters:
  ///   - parts: what it does, encoded.
  ///   - origin: this replica in its present incarnation.
  ///   - schemaEpoch: the schema it is written under.
  ///   - now: milliseconds since 1970.
  /// - Returns: the transaction as it is kept and passed on.
  /// - Throws: `.tagCollision`, `.clockExhausted`, `.invalidTransaction`, `.engine`.
  public mutating func append(
    _ parts: EncodedParts, origin: Origin, schemaEpoch: UInt64 = 0, now: UInt64
  ) throws(JournalError) -> EncodedTransaction {
    let head = heads.head(of: origin)
    try view.checkTag(of: head)
    var dependencies = heads.applied
    dependencies[origin] = 0
    let timestamp = try view.heads.tick(now: now)
    let appended: EncodedTransaction
    do {
      appended = try EncodedTransaction(
        origin: origin, sequence: head.sequence + 1, timestamp: timestamp,
        dependencies: dependencies, schemaEpoch: schemaEpoch, previousHash: head.hash,
        parts: parts)
    } catch {
      throw .invalidTransaction(error)
    }
    try add(appended)
    return appended
  }

  /// Adds a transaction behind the head of its origin; it is no longer held.
  mutating func add(_ added: EncodedTransaction) throws(JournalError) {
    let key = added.dot.journalKey
    try engine { () throws(EngineError) in
      try transaction.put(added.bytes, forKey: key, in: journal.trees.transactions)
      if hasHeld { try transaction.delete(key, in: journal.trees.held) }
    }
    view.heads.set(heads.head(of: added.header.origin).advanced(to: added))
    changed.insert(added.header.origin)
  }

  /// Keeps a transaction for later.
  ///
  /// - Throws: `.fork` when another is held in its place.
  mutating func hold(_ held: EncodedTransaction) throws(JournalError) {
    if hasHeld, let known = try view.held(held.dot) {
      guard known.hash == held.hash else {
        throw .fork(held.dot, known: known.hash, offered: held.hash)
      }
      return
    }
    try engine { () throws(EngineError) in
      try transaction.put(held.bytes, forKey: held.dot.journalKey, in: journal.trees.held)
    }
    hasHeld = true
  }

  /// Writes the heads that have changed.
  fileprivate func writeHeads() throws(JournalError) {
    for origin in changed {
      try engine { () throws(EngineError) in
        try transaction.put(
          heads.head(of: origin).encoded(), forKey: origin.bytes, in: journal.trees.origins)
      }
    }
  }
}

extension Journal {
  /// Runs `body` with the journal open for additions in a write transaction.
  ///
  /// The heads of what was added are written also when `body` throws, so that entries and heads
  /// agree whatever the caller makes of the error.
  ///
  /// - Throws: `.engine`, `.corrupt`, and what `body` throws.
  public func update<Result>(
    in transaction: WriteTransaction, _ body: (inout JournalUpdate) throws -> Result
  ) throws -> Result {
    var update = try JournalUpdate(journal: self, transaction: transaction)
    do {
      let result = try body(&update)
      try update.writeHeads()
      return result
    } catch {
      try update.writeHeads()
      throw error
    }
  }
}
