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
    journal: Journal, transaction: WriteTransaction, memory: consuming JournalMemory?
  ) throws(JournalError) {
    self.journal = journal
    self.transaction = transaction
    let mayHold: Bool
    if let memory {
      view = JournalView(journal: journal, reader: transaction, heads: memory.heads)
      mayHold = memory.mayHold
    } else {
      view = try JournalView(journal: journal, reader: transaction)
      mayHold = true
    }
    // Once there are any they are counted each time, until all are released.
    hasHeld = mayHold ? try journal.heldCount(in: transaction) > 0 : false
  }

  /// The heads of all origins, including what this update has added.
  public var heads: JournalHeads { view.heads }

  /// Where a transaction stands that is written on this replica now: behind all that `origin` has
  /// written, and after all that is applied.
  ///
  /// - Parameters:
  ///   - origin: this replica in its present incarnation.
  ///   - now: milliseconds since 1970.
  /// - Throws: `.clockExhausted`.
  public func nextPlace(of origin: Origin, now: UInt64) throws(JournalError) -> NextPlace {
    let head = heads.head(of: origin)
    var clock = heads.clock
    return NextPlace(
      origin: origin, sequence: head.sequence + 1, timestamp: try clock.next(now: now),
      tag: head.tag)
  }

  /// Appends a transaction that is written on this replica now: with everything applied as
  /// dependencies, and the chain.
  ///
  /// - Parameters:
  ///   - parts: what it does, encoded.
  ///   - place: what `nextPlace` gave; nothing may have been added since.
  /// - Returns: the transaction as it is kept and passed on.
  /// - Throws: `.tagCollision`, `.invalidTransaction`, `.engine`; `.gap` or `.acausal` for a place
  ///   that is not the next any more.
  @discardableResult
  public mutating func append(
    _ parts: EncodedParts, at place: NextPlace
  ) throws(JournalError) -> EncodedTransaction {
    let head = heads.head(of: place.origin)
    try view.checkTag(of: head)
    try check(place, isBehind: head)
    let appended: EncodedTransaction
    let dependencies = heads.applied.without(place.origin)
    do {
      appended = try EncodedTransaction(
        origin: place.origin, sequence: place.sequence, timestamp: place.timestamp,
        dependencies: dependencies, schemaEpoch: 0, previousHash: head.hash, parts: parts)
    } catch {
      throw .invalidTransaction(error)
    }
    try add(appended)
    return appended
  }

  private func check(_ place: NextPlace, isBehind head: OriginHead) throws(JournalError) {
    let dot = Dot(origin: place.origin, sequence: place.sequence)
    guard place.sequence == head.sequence + 1 else {
      throw .gap(dot, expected: head.sequence + 1)
    }
    guard place.timestamp <= heads.clock.last else { return }
    let later = heads.ordered.first { $0.timestamp >= place.timestamp } ?? head
    throw .acausal(dot, notAfter: later.dot)
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

extension JournalUpdate {
  /// Where the next transaction of an origin stands.
  public struct NextPlace: Hashable, Sendable {
    /// The origin.
    public let origin: Origin
    /// One more than the origin's last.
    public let sequence: UInt64
    /// After the timestamps of all that is applied.
    public let timestamp: HybridTimestamp
    /// The tag of the origin.
    public let tag: UInt64
  }
}

/// What an update of the journal knows when it ends: the next one that begins with exactly the
/// state it left need not read it again.
public struct JournalMemory: Sendable {
  fileprivate let heads: JournalHeads
  fileprivate let mayHold: Bool
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
    var memory: JournalMemory?
    return try update(in: transaction, from: &memory, body)
  }

  /// The same, beginning with what the update before knew.
  ///
  /// `memory` must describe the journal exactly as the transaction sees it, or be `nil`. It
  /// describes it at the end again, and is `nil` after an error.
  ///
  /// - Throws: `.engine`, `.corrupt`, and what `body` throws.
  public func update<Result>(
    in transaction: WriteTransaction, from memory: inout JournalMemory?,
    _ body: (inout JournalUpdate) throws -> Result
  ) throws -> Result {
    // Taken out, so that the heads are changed in place and not copied.
    var update = try JournalUpdate(
      journal: self, transaction: transaction, memory: memory.take())
    do {
      let result = try body(&update)
      try update.writeHeads()
      memory = JournalMemory(heads: update.heads, mayHold: update.hasHeld)
      return result
    } catch {
      try update.writeHeads()
      throw error
    }
  }
}
