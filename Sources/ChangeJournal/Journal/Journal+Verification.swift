// SPDX-License-Identifier: Apache-2.0

public import StorageEngine

extension Journal {
  /// Reads and checks everything: that the transactions of each origin are there without gaps,
  /// decode in full, form the chain that ends in its head, and rise in time.
  ///
  /// - Parameters:
  ///   - reader: the view to check.
  ///   - progress: called for every transaction.
  /// - Throws: `.corrupt` with the entry that is wrong, `.engine`, and what `progress` throws.
  public func verify(
    in reader: any TreeReader, progress: (TransactionHeader) throws -> Void = { _ in }
  ) throws {
    let heads = try heads(in: reader)
    var expected: UInt64 = 0
    for head in heads.ordered {
      guard head.tag == head.origin.tag else {
        throw JournalError.corrupt(
          .entry("\(head.origin)", in: .origins), problem: "the tag is not the origin's")
      }
      expected &+= head.sequence
      try verify(head, in: reader, progress)
    }
    let count = try engine { () throws(EngineError) in try reader.count(of: trees.transactions) }
    guard count == expected else {
      throw JournalError.corrupt(
        JournalPlace(stream: JournalTreeName.transactions.rawValue, offset: 0),
        problem: "\(count) entries where the heads add up to \(expected)")
    }
  }

  /// Checks the transactions of one origin.
  private func verify(
    _ head: OriginHead, in reader: any TreeReader,
    _ progress: (TransactionHeader) throws -> Void
  ) throws {
    var previous = OriginHead(of: head.origin)
    let cursor = try engine { () throws(EngineError) in
      try reader.cursor(in: trees.transactions, range: .prefix(head.origin.bytes))
    }
    while try engine({ () throws(EngineError) in try cursor.next() }) {
      let dot = Dot(origin: head.origin, sequence: previous.sequence + 1)
      guard cursor.key == dot.journalKey else {
        throw JournalError.corrupt(
          .entry("\(dot)", in: .transactions), problem: "the entry is missing")
      }
      let value = try engine { () throws(EngineError) in try cursor.value() }
      let transaction = try Self.decode(value, of: dot, .transactions)
      guard transaction.header.previousHash == previous.hash,
        previous.sequence == 0 || transaction.header.timestamp > previous.timestamp
      else {
        throw JournalError.corrupt(
          .entry("\(dot)", in: .transactions), problem: "it does not follow the one before")
      }
      do {
        try transaction.forEachOperation { _ in }
      } catch let error as CodingError {
        throw JournalError.corrupt(
          .entry("\(dot)", in: .transactions), problem: error.description)
      }
      previous = previous.advanced(to: transaction)
      try progress(transaction.header)
    }
    guard previous == head else {
      throw JournalError.corrupt(
        .entry("\(head.origin)", in: .origins),
        problem: "the head names \(head.sequence), the entries end at \(previous.sequence)")
    }
  }
}
