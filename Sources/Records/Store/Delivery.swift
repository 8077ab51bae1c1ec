// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import StorageEngine

/// Applies transactions of other replicas within one transaction of the engine.
///
/// The journal decides whether a transaction may be applied, must be put aside, or is refused;
/// this changes the records.
struct Delivery {
  private let trees: WriteTransaction
  private var writers: [ByteText: CollectionWriter] = [:]
  /// Origins' tags, which take a digest each.
  private var tags: [Origin: UInt64] = [:]
  private var outcome = ApplyOutcome()

  init(_ trees: WriteTransaction) {
    self.trees = trees
  }

  /// Applies a transaction, puts it aside, or passes over it.
  mutating func deliver(
    _ transaction: EncodedTransaction, to update: inout JournalUpdate, _ policy: AdmissionPolicy,
    own: Origin
  ) throws {
    let dot = transaction.dot
    if dot.origin == own, dot.sequence > update.heads.applied[own] {
      throw RecordStoreError.rollback(dot)
    }
    switch try update.admit(transaction, policy) {
    case .admitted: try apply(transaction)
    case .known: outcome.known += 1
    case .held:
      // Found now, damage is the sender's; found at the release, it would block this store.
      try transaction.checkOperations()
      outcome.held += 1
    }
  }

  /// Applies what was put aside and may be applied by now.
  mutating func release(
    from update: inout JournalUpdate, _ policy: AdmissionPolicy
  ) throws {
    while let transaction = try update.releaseNext(policy) { try apply(transaction) }
  }

  /// Ends the delivery: writes what the collections keep count of.
  @discardableResult
  mutating func finish() throws -> ApplyOutcome {
    for name in writers.keys { try writers[name]?.storeTombstoneCount() }
    return outcome
  }

  /// Applies a transaction that the journal has admitted.
  private mutating func apply(_ transaction: EncodedTransaction) throws {
    let header = transaction.header
    let coverage = Coverage(
      Stamp(
        timestamp: header.timestamp.rawValue, tag: tag(of: header.origin),
        sequence: header.sequence),
      dependencies: header.dependencies.entries.map { (tag(of: $0.origin), $0.sequence) })
    try transaction.forEachPart { part, bytes, range in
      try apply(part, bytes, range, coverage)
    }
    outcome.applied += 1
    outcome.operations += header.operationCount
  }

  private mutating func tag(of origin: Origin) -> UInt64 {
    if let known = tags[origin] { return known }
    let tag = origin.tag
    tags[origin] = tag
    return tag
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
