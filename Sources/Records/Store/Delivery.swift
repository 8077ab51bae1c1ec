// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import StorageEngine

// Delivery rules, each checked before anything of a transaction is applied:
//
// * Its sequence is the next of its origin, and its previous hash is the hash of the last.
// * Everything it depends on is applied, and its stamp is above all of theirs.
// * Its stamp is at most `maxAhead` beyond now. If not, it is put aside, and with it whatever
//   comes after it: later transactions of its origin, and those that depend on it.
// * One name stands for one transaction: another hash under a known name is a fork.

/// Applies transactions of other replicas within one transaction of the engine.
struct Delivery {
  private let trees: WriteTransaction
  private let journal: JournalTrees
  private let now: UInt64
  private let maxAhead: UInt64
  private var memory: StoreMemory
  private var writers: [ByteText: CollectionWriter] = [:]
  private var outcome = ApplyOutcome()
  private var isChanged = false

  init(
    _ trees: WriteTransaction, _ memory: StoreMemory, _ now: UInt64, maxAhead: UInt64
  ) throws {
    self.trees = trees
    self.memory = memory
    self.now = now
    self.maxAhead = maxAhead
    journal = try JournalTrees(trees)
  }

  /// Ends the delivery: writes what the collections keep count of and gives the memory back.
  mutating func finish(_ memory: inout StoreMemory) throws -> ApplyOutcome {
    for name in writers.keys { try writers[name]?.storeTombstoneCount() }
    if isChanged { self.memory.changes += 1 }
    memory = self.memory
    return outcome
  }

  /// Applies a transaction, puts it aside, or passes over it.
  mutating func deliver(_ transaction: EncodedTransaction) throws {
    let dot = transaction.dot
    if let known = try knownHash(dot) {
      guard known == transaction.hash else {
        throw JournalError.fork(dot, known: known, offered: transaction.hash)
      }
      outcome.known += 1
      return
    }
    guard dot.origin != memory.origin else { throw RecordStoreError.rollback(dot) }
    let isReady = try checkPlace(of: transaction)
    if isReady, transaction.release(maxAhead: maxAhead) <= now {
      try apply(transaction)
    } else {
      try HeldTree.put(transaction, in: trees)
      let release = transaction.release(maxAhead: maxAhead)
      memory.nextRelease = min(release, memory.nextRelease ?? .max)
      outcome.held += 1
      isChanged = true
    }
  }

  /// Applies what was put aside and may be applied by now.
  mutating func releaseDue() throws {
    guard let release = memory.nextRelease, release <= now, let held = try HeldTree(trees) else {
      return
    }
    var next: UInt64?
    for transaction in try held.all() {
      let release = transaction.release(maxAhead: maxAhead)
      if release <= now, try checkPlace(of: transaction) {
        try held.remove(transaction.dot, in: trees)
        try apply(transaction)
      } else {
        next = min(release, next ?? .max)
      }
    }
    memory.nextRelease = next
  }

  /// The hash of the transaction of that name that is applied or put aside.
  private func knownHash(_ dot: Dot) throws -> Hash256? {
    guard dot.sequence > memory.applied(dot.origin) else {
      return try journal.transaction(dot)?.hash
    }
    guard memory.nextRelease != nil else { return nil }
    return try HeldTree(trees)?.transaction(dot)?.hash
  }
}

extension Delivery {
  /// Checks a transaction against what comes before it.
  ///
  /// - Returns: Whether all of that is applied; false when part of it is put aside.
  private func checkPlace(of transaction: EncodedTransaction) throws -> Bool {
    let dot = transaction.dot
    var isReady = true
    let predecessor: (hash: Hash256, timestamp: HybridTimestamp)?
    let head = memory.heads[dot.origin]
    if dot.sequence == (head?.sequence ?? 0) + 1 {
      predecessor = head.map { ($0.hash, $0.timestamp) }
    } else {
      isReady = false
      let before = Dot(origin: dot.origin, sequence: dot.sequence - 1)
      guard let held = try heldTransaction(before) else {
        throw JournalError.gap(dot, expected: (head?.sequence ?? 0) + 1)
      }
      predecessor = (held.hash, held.header.timestamp)
    }
    let known = predecessor?.hash ?? .zero
    guard transaction.header.previousHash == known else {
      let before = Dot(origin: dot.origin, sequence: dot.sequence - 1)
      throw JournalError.fork(before, known: known, offered: transaction.header.previousHash)
    }
    var latest = predecessor?.timestamp ?? HybridTimestamp(rawValue: 0)
    for entry in transaction.header.dependencies.entries {
      let dependency = Dot(origin: entry.origin, sequence: entry.sequence)
      let (timestamp, isApplied) = try place(of: dependency, for: dot)
      latest = max(latest, timestamp)
      isReady = isReady && isApplied
    }
    guard transaction.header.timestamp > latest else {
      throw RecordStoreError.corruptTransaction(
        dot, problem: "its time is not after everything it depends on")
    }
    return isReady
  }

  /// A stamp not below that of a dependency, and whether it is applied.
  private func place(
    of dependency: Dot, for dot: Dot
  ) throws -> (timestamp: HybridTimestamp, isApplied: Bool) {
    if let head = memory.heads[dependency.origin], dependency.sequence <= head.sequence {
      if dependency.sequence == head.sequence { return (head.timestamp, true) }
      guard let entry = try journal.transaction(dependency) else {
        throw RecordStoreError.corruptStore(
          place: "journal", problem: "transaction \(dependency) is missing")
      }
      return (entry.header.timestamp, true)
    }
    guard dependency.origin != dot.origin else {
      throw RecordStoreError.corruptTransaction(dot, problem: "it depends on its own origin")
    }
    guard let held = try heldTransaction(dependency) else {
      throw JournalError.waiting(dot, for: dependency)
    }
    return (held.header.timestamp, false)
  }

  private func heldTransaction(_ dot: Dot) throws -> EncodedTransaction? {
    guard memory.nextRelease != nil else { return nil }
    return try HeldTree(trees)?.transaction(dot)
  }

  /// Applies a transaction whose place is checked.
  private mutating func apply(_ transaction: EncodedTransaction) throws {
    let header = transaction.header
    let coverage = Coverage(
      memory.stamp(transaction.dot, header.timestamp),
      dependencies: header.dependencies.entries.map { entry in
        (memory.heads[entry.origin]?.tag ?? entry.origin.tag, entry.sequence)
      })
    var start = transaction.headerByteCount
    for part in header.parts {
      let range = start..<start + part.byteCount
      start = range.upperBound
      do {
        try apply(part, transaction.bytes.span, range, coverage)
      } catch let fault as ItemFault {
        throw RecordStoreError.corruptTransaction(
          transaction.dot,
          problem: "collection '\(part.collection)', byte \(fault.offset): \(fault.problem)")
      }
    }
    try journal.append(transaction, in: trees)
    memory.note(transaction)
    outcome.applied += 1
    outcome.operations += header.operationCount
    isChanged = true
  }

  private mutating func apply(
    _ part: TransactionHeader.Part, _ bytes: Span<UInt8>, _ range: Range<Int>, _ coverage: Coverage
  ) throws {
    let name = ByteText(part.collection)
    var writer: CollectionWriter
    if let known = writers.removeValue(forKey: name) {
      writer = known
      writer.coverage = coverage
    } else {
      writer = try CollectionWriter(part.collection, in: trees, coverage: coverage)
    }
    var cursor = try OperationCursor(bytes, in: range, operationCount: part.operationCount)
    var operation = OperationCursor.Operation()
    while try cursor.next(bytes, into: &operation) {
      try writer.repeatOperation(operation, bytes, names: cursor.names)
    }
    writers[name] = writer
  }
}
