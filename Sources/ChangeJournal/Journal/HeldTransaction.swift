// SPDX-License-Identifier: Apache-2.0

public import StorageEngine

/// A transaction that was received and may not be applied yet.
public struct HeldTransaction: Sendable {
  /// What it says about itself.
  public let header: TransactionHeader
  /// Why it is held.
  public let reason: HoldReason
}

extension Journal {
  /// Passes on every held transaction with the reason for it, ordered by origin and sequence.
  ///
  /// - Throws: `.engine`, `.corrupt`, and what `body` throws.
  public func forEachHeld(
    in reader: any TreeReader, _ policy: AdmissionPolicy,
    _ body: (HeldTransaction) throws -> Void
  ) throws {
    let view = try JournalView(journal: self, reader: reader)
    var held = HeldCursor(journal: self, reader: reader)
    while let transaction = try held.next() {
      let reason = try view.holdReason(ofHeld: transaction, policy)
      try body(
        HeldTransaction(
          header: transaction.header,
          // What could be applied waits for the next release, that is until now.
          reason: reason ?? .tooFarAhead(releaseAt: policy.now)))
    }
  }

  /// Counts the held transactions.
  ///
  /// - Throws: `.engine`.
  public func heldCount(in reader: any TreeReader) throws(JournalError) -> UInt64 {
    try engine { () throws(EngineError) in try reader.count(of: trees.held) }
  }
}

/// Visits held transactions by origin and sequence.
struct HeldCursor {
  private let journal: Journal
  private let reader: any TreeReader
  /// The key after which to go on.
  private var last: [UInt8] = []

  init(journal: Journal, reader: any TreeReader) {
    self.journal = journal
    self.reader = reader
  }

  /// Returns the next transaction.
  mutating func next() throws(JournalError) -> EncodedTransaction? {
    // The least key above another is that key with a zero byte behind it.
    let range = KeyRange(from: last + [0])
    let cursor = try engine { () throws(EngineError) in
      try reader.cursor(in: journal.trees.held, range: range)
    }
    guard try engine({ () throws(EngineError) in try cursor.next() }) else { return nil }
    let value = try engine { () throws(EngineError) in try cursor.value() }
    guard let dot = Dot(journalKey: cursor.key) else {
      throw .corrupt(
        .entry(Hexadecimal.text(cursor.key), in: .held), problem: "not the key of a transaction")
    }
    last = cursor.key
    return try Journal.decode(value, of: dot, .held)
  }

  /// Goes on with the next origin.
  mutating func skipOrigin() {
    last = Array(last.prefix(Origin.byteCount)) + [UInt8](bigEndian: [.max])
  }
}
