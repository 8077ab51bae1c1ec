// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

/// Checks what a store or a snapshot contains: that the journal is whole and its chains hold, that
/// every record is well formed and names only transactions of that journal, and that what is counted
/// is right.
struct ContentVerifier {
  /// What was found so far.
  private(set) var summary = SnapshotSummary()
  private var tree: StoreTree.Content?
  /// Whether the tree is of durable memory, whose entries are not known here.
  private var isMemory = false
  private var place = "store"
  private var seen: Set<[UInt8]> = []
  /// What the tree of origins says: sequence, hash and timestamp.
  private var heads: [Origin: (sequence: UInt64, hash: Hash256, timestamp: UInt64)] = [:]
  private var tags: [UInt64: Origin] = [:]
  /// What the transactions say.
  private var chain = ChainVerifier()
  private var last: EncodedTransaction?
  private var applied = VersionVector()
  private var tombstones: [ByteText: UInt64] = [:]
  private var state = RecordState()

  /// Takes the next event.
  ///
  /// - Returns: What is wrong, or `nil`.
  mutating func check(_ event: ContentEvent) -> String? {
    switch event {
    case .begin(let storeID, let applied):
      summary.storeID = storeID
      summary.applied = applied
      return nil
    case .tree(let name):
      tree = Self.content(ofTree: name)
      isMemory = StoreTree.isMemory(name)
      if isMemory { summary.memoryTrees.append(name) }
      seen.insert(Array(name.utf8))
      return tree == nil && !isMemory ? "'\(name)' is no tree of a store of records" : nil
    case .entry(let key, let value):
      return checkEntry(key, value).map { "key \(Hexadecimal.text(key)): \($0)" }
    case .end: return checkEnd()
    }
  }

  /// Takes the next event of a store.
  ///
  /// - Returns: What is wrong, with the tree in which it is, or `nil`.
  mutating func fault(in event: ContentEvent) -> String? {
    if case .tree(let name) = event { place = "tree '\(name)'" }
    return check(event).map { "\(place): \($0)" }
  }

  private static func content(ofTree name: String) -> StoreTree.Content? {
    let content = StoreTree.Content(ofTree: name)
    if case .records(let collection) = content,
      !(1...JournalLimits.collectionNameBytes).contains(collection.utf8.count)
    {
      return nil
    }
    return content
  }

  private mutating func checkEntry(_ key: [UInt8], _ value: [UInt8]) -> String? {
    if isMemory {
      summary.memoryEntries += 1
      return nil
    }
    do {
      switch tree {
      case .journal(.held):
        summary.held += 1
        return try checkHeld(key, value)
      case .journal(.origins): return try checkOrigin(key, value)
      case .journal(.transactions): return try checkTransaction(key, value)
      case .records: return checkRecord(key, value)
      case .tombstones: return try checkCount(key, value)
      case nil: return "an entry outside of every tree"
      }
    } catch {
      return "\(error)"
    }
  }

  private mutating func checkOrigin(_ key: [UInt8], _ value: [UInt8]) throws -> String? {
    guard let origin = Origin(bytes: key) else { return "it is no origin" }
    var cbor = CBORReader(value)
    guard try cbor.readArrayCount() == 4 else { return "a head of another form" }
    let sequence = try cbor.readUnsigned()
    guard let hash = Hash256(bytes: try cbor.readByteSlice()) else { return "no hash" }
    heads[origin] = (sequence, hash, try cbor.readUnsigned())
    let tag = try cbor.readUnsigned()
    try cbor.finish()
    tags[tag] = origin
    return tag == origin.tag ? nil : "the tag is not the origin's"
  }

  private func transaction(
    _ key: [UInt8], _ value: [UInt8]
  ) throws -> (EncodedTransaction, problem: String?) {
    let transaction = try EncodedTransaction(decoding: value)
    var expected = transaction.header.origin.bytes
    expected.appendBigEndian(transaction.header.sequence, bytes: 8)
    guard key == expected else { return (transaction, "it is \(transaction.dot)") }
    try transaction.checkOperations()
    return (transaction, nil)
  }

  private func checkHeld(_ key: [UInt8], _ value: [UInt8]) throws -> String? {
    try transaction(key, value).problem
  }

  private mutating func checkTransaction(_ key: [UInt8], _ value: [UInt8]) throws -> String? {
    let (transaction, problem) = try transaction(key, value)
    if let problem { return problem }
    summary.transactions += 1
    let dot = transaction.dot
    guard dot.sequence == applied[dot.origin] + 1 else {
      return "transaction \(dot) came where \(applied[dot.origin] + 1) is next"
    }
    try chain.verify(transaction)
    if let last, last.header.origin == dot.origin,
      last.header.timestamp >= transaction.header.timestamp
    {
      return "transaction \(dot) is not after the one before it"
    }
    last = transaction
    applied[dot.origin] = dot.sequence
    guard let head = heads[dot.origin] else { return "the origin is not among the heads" }
    if dot.sequence == head.sequence {
      guard transaction.hash == head.hash,
        transaction.header.timestamp.rawValue == head.timestamp
      else { return "the head of \(dot.origin) is another transaction" }
    }
    return nil
  }

  private mutating func checkRecord(_ key: [UInt8], _ value: [UInt8]) -> String? {
    guard case .records(let collection) = tree, (try? RecordKey(orderedBytes: key)) != nil else {
      return "it is no key of a record"
    }
    do throws(ItemFault) {
      try state.read(value.span)
    } catch {
      return "record, byte \(error.offset): \(error.problem)"
    }
    for stamp in state.stamps {
      guard let origin = tags[stamp.tag], stamp.sequence <= applied[origin] else {
        return "the record names a transaction that is not in the journal"
      }
    }
    if state.isAlive {
      summary.records += 1
    } else {
      summary.tombstones += 1
      tombstones[ByteText(collection), default: 0] += 1
    }
    return nil
  }

  private mutating func checkCount(_ key: [UInt8], _ value: [UInt8]) throws -> String? {
    var cbor = CBORReader(value)
    let count = try cbor.readUnsigned()
    try cbor.finish()
    let collection = ByteText(String(decoding: key, as: UTF8.self))
    guard count > 0, tombstones.removeValue(forKey: collection) == count else {
      return "another count of tombstones than there are"
    }
    return nil
  }

  private func checkEnd() -> String? {
    for name in JournalTreeName.allCases.map(\.rawValue) + [StoreTree.tombstones]
    where !seen.contains(Array(name.utf8)) {
      return "the tree '\(name)' is missing"
    }
    guard applied == summary.applied, heads.count == applied.count,
      heads.allSatisfy({ applied[$0.key] == $0.value.sequence })
    else { return "the journal is not what the beginning and the heads say" }
    if let collection = tombstones.keys.first {
      return "the tombstones of '\(collection.text)' are not counted"
    }
    return nil
  }
}
