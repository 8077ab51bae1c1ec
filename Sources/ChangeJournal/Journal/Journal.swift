// SPDX-License-Identifier: Apache-2.0

public import StorageEngine

/// The change journal inside a store: every applied transaction, by origin and sequence.
///
/// The journal of an origin is dense: from 1 to its head, each transaction naming the hash of the
/// one before. Entries are written in the same engine transaction as the state they lead to.
///
/// A `Journal` only knows which trees to use; it holds no state and may be used from any thread
/// with any view of its store.
public struct Journal: Sendable {
  let trees: JournalTrees

  /// Makes the journal's trees in a new store.
  ///
  /// - Throws: `.engine`.
  public static func create(in transaction: WriteTransaction) throws(JournalError) -> Journal {
    let create = { (name: JournalTreeName) throws(JournalError) -> TreeID in
      try engine { () throws(EngineError) in try transaction.createTree(named: name.rawValue) }
    }
    return Journal(
      trees: JournalTrees(
        transactions: try create(.transactions), origins: try create(.origins),
        held: try create(.held)))
  }

  /// Finds the journal's trees in a store.
  ///
  /// - Throws: `.engine`; `.treeNotFound` inside it when the store has no journal.
  public static func open(in reader: any TreeReader) throws(JournalError) -> Journal {
    let find = { (name: JournalTreeName) throws(JournalError) -> TreeID in
      try engine { () throws(EngineError) in
        guard let tree = try reader.tree(named: name.rawValue) else {
          throw .treeNotFound(name.rawValue)
        }
        return tree
      }
    }
    return Journal(
      trees: JournalTrees(
        transactions: try find(.transactions), origins: try find(.origins),
        held: try find(.held)))
  }

  private init(trees: JournalTrees) {
    self.trees = trees
  }
}

extension Journal {
  /// Reads the heads of all origins.
  ///
  /// - Throws: `.engine`, `.corrupt`.
  public func heads(in reader: any TreeReader) throws(JournalError) -> JournalHeads {
    var heads = JournalHeads()
    let cursor = try engine { () throws(EngineError) in try reader.cursor(in: trees.origins) }
    while try engine({ () throws(EngineError) in try cursor.next() }) {
      let value = try engine { () throws(EngineError) in try cursor.value() }
      do {
        heads.set(try OriginHead(key: cursor.key, value: value))
      } catch {
        throw .corrupt(
          .entry(Hexadecimal.text(cursor.key), in: .origins), problem: error.description)
      }
    }
    return heads
  }

  /// Reads what is applied of every origin.
  ///
  /// - Throws: `.engine`, `.corrupt`.
  public func appliedVector(in reader: any TreeReader) throws(JournalError) -> VersionVector {
    try heads(in: reader).applied
  }

  /// Reads an applied transaction, or returns `nil`.
  ///
  /// - Throws: `.engine`, `.corrupt`.
  public func transaction(
    _ dot: Dot, in reader: any TreeReader
  ) throws(JournalError) -> EncodedTransaction? {
    try transaction(dot, in: trees.transactions, .transactions, reader)
  }

  /// Reads the chain hash of an applied transaction, or returns `nil`.
  ///
  /// - Throws: `.engine`, `.corrupt`.
  public func hash(of dot: Dot, in reader: any TreeReader) throws(JournalError) -> Hash256? {
    try transaction(dot, in: reader)?.hash
  }

  /// Reads a transaction of one of the two trees that hold some.
  func transaction(
    _ dot: Dot, in tree: TreeID, _ name: JournalTreeName, _ reader: any TreeReader
  ) throws(JournalError) -> EncodedTransaction? {
    let value = try engine { () throws(EngineError) in
      try reader.value(forKey: dot.journalKey, in: tree)
    }
    guard let value else { return nil }
    return try Self.decode(value, of: dot, name)
  }

  /// Decodes an entry, which must be the transaction that its key names.
  static func decode(
    _ value: [UInt8], of dot: Dot, _ name: JournalTreeName
  ) throws(JournalError) -> EncodedTransaction {
    do throws(CodingError) {
      let transaction = try EncodedTransaction(decoding: value)
      guard transaction.dot == dot else {
        throw CodingError(offset: 0, problem: .malformed("entry: it is \(transaction.dot)"))
      }
      return transaction
    } catch {
      throw .corrupt(.entry("\(dot)", in: name), problem: error.description)
    }
  }

  /// Counts the applied transactions that `since` does not include.
  ///
  /// Takes time in the number of origins only.
  ///
  /// - Throws: `.engine`, `.corrupt`.
  public func count(
    since: VersionVector = VersionVector(), in reader: any TreeReader
  ) throws(JournalError) -> UInt64 {
    try heads(in: reader).applied.entries.reduce(0) { total, entry in
      let known = since[entry.origin]
      return total &+ (entry.sequence > known ? entry.sequence - known : 0)
    }
  }

  /// Starts reading the applied transactions that `since` does not include, in causal order.
  ///
  /// - Throws: `.engine`, `.corrupt`.
  public func cursor(
    since: VersionVector = VersionVector(), in reader: any TreeReader
  ) throws(JournalError) -> JournalCursor {
    try JournalCursor(journal: self, since: since, reader: reader)
  }
}
