// SPDX-License-Identifier: Apache-2.0

internal import StorageEngine

/// Reads applied transactions of all origins, merged by (timestamp, origin tag, sequence).
///
/// This order is causal, because a transaction's timestamp is above those of all it depends on.
/// Besides the transaction that is returned the cursor holds at most one of at most
/// `retainedBytes` for each origin.
public final class JournalCursor {
  /// Bytes up to which the next transaction of an origin is kept between being looked at and being
  /// returned; longer ones are read twice.
  static let retainedBytes = 64 << 10

  /// What comes next of an origin.
  private struct Candidate: Comparable {
    let timestamp: HybridTimestamp
    let tag: UInt64
    let dot: Dot
    let last: UInt64
    let transaction: EncodedTransaction?

    static func < (left: Candidate, right: Candidate) -> Bool {
      (left.timestamp, left.tag, left.dot) < (right.timestamp, right.tag, right.dot)
    }

    static func == (left: Candidate, right: Candidate) -> Bool {
      left.dot == right.dot
    }
  }

  private let view: JournalView
  private var candidates = Heap<Candidate>()
  /// Everything applied in the view that is read.
  public let applied: VersionVector

  init(
    journal: Journal, since: VersionVector, reader: any TreeReader
  ) throws(JournalError) {
    view = try JournalView(journal: journal, reader: reader)
    applied = view.heads.applied
    for head in view.heads.ordered where head.sequence > since[head.origin] {
      let next = Dot(origin: head.origin, sequence: since[head.origin] + 1)
      candidates.insert(try candidate(next, tag: head.tag, last: head.sequence))
    }
  }

  /// Returns the next transaction, or `nil` at the end.
  ///
  /// - Throws: `.engine`, `.corrupt`.
  public func next() throws(JournalError) -> EncodedTransaction? {
    guard let first = candidates.first else { return nil }
    let transaction =
      if let retained = first.transaction { retained } else { try view.applied(first.dot) }
    if first.dot.sequence < first.last {
      let next = Dot(origin: first.dot.origin, sequence: first.dot.sequence + 1)
      candidates.replaceFirst(try candidate(next, tag: first.tag, last: first.last))
    } else {
      candidates.removeFirst()
    }
    return transaction
  }

  private func candidate(
    _ dot: Dot, tag: UInt64, last: UInt64
  ) throws(JournalError) -> Candidate {
    let transaction = try view.applied(dot)
    let isRetained = transaction.bytes.count <= Self.retainedBytes
    return Candidate(
      timestamp: transaction.header.timestamp, tag: tag, dot: dot, last: last,
      transaction: isRetained ? transaction : nil)
  }
}
