// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import StorageEngine
import Testing

struct JournalAdmissionTests {
  private let one = Samples.origin(1)
  private let two = Samples.origin(2)

  private func transaction(
    _ origin: Origin, _ sequence: UInt64 = 1, at time: UInt64 = 1_700_000_000_000,
    after previous: Hash256 = .zero, dependencies: [Origin: UInt64] = [:]
  ) throws -> EncodedTransaction {
    var vector = VersionVector()
    for (origin, sequence) in dependencies { vector[origin] = sequence }
    return try Samples.encoded(
      Samples.transaction(
        origin: origin, sequence: sequence, time: time, dependencies: vector, previous: previous))
  }

  @Test func `a transaction is admitted once`() throws {
    let store = try JournalStore()
    let chain = try Samples.chain(3)
    for transaction in chain { #expect(try store.admit(transaction) == .admitted) }
    for transaction in chain { #expect(try store.admit(transaction) == .known) }
    #expect(try store.transactions() == chain)
    try store.verify()
  }

  @Test func `a transaction that is not next is refused as a gap`() throws {
    let store = try JournalStore()
    let chain = try Samples.chain(3)
    #expect(throws: JournalError.gap(chain[1].dot, expected: 1)) { try store.admit(chain[1]) }
    try store.admit(chain[0])
    #expect(throws: JournalError.gap(chain[2].dot, expected: 2)) { try store.admit(chain[2]) }
    #expect(try store.applied()[one] == 1)
    try store.verify()
  }

  @Test func `another transaction in the same place is refused as a fork`() throws {
    let store = try JournalStore()
    let chain = try Samples.chain(3)
    for transaction in chain { try store.admit(transaction) }
    for known in chain {
      let other = try transaction(one, known.header.sequence, after: known.header.previousHash)
      let fork = JournalError.fork(known.dot, known: known.hash, offered: other.hash)
      #expect(throws: fork) { try store.admit(other) }
    }
    try store.verify()
  }

  @Test func `a transaction on another chain is refused as a fork of the one before`() throws {
    let store = try JournalStore()
    let first = try transaction(one)
    try store.admit(first)
    let other = Hash256.of([1])
    let second = try transaction(one, 2, at: 1_700_000_000_001, after: other)
    #expect(throws: JournalError.fork(first.dot, known: first.hash, offered: other)) {
      try store.admit(second)
    }
  }

  @Test func `a transaction waits for what was never received`() throws {
    let store = try JournalStore()
    let dependant = try transaction(two, dependencies: [one: 2])
    let missing = Dot(origin: one, sequence: 2)
    #expect(throws: JournalError.waiting(dependant.dot, for: missing)) {
      try store.admit(dependant)
    }
    let chain = try Samples.chain(2)
    try store.admit(chain[0])
    #expect(throws: JournalError.waiting(dependant.dot, for: missing)) {
      try store.admit(dependant)
    }
    try store.admit(chain[1])
    #expect(
      try store.admit(transaction(two, at: 1_700_000_000_002, dependencies: [one: 2])) == .admitted)
    #expect(try store.applied()[one] == 2)
    try store.verify()
  }

  @Test func `a timestamp must be above that of the transaction before`() throws {
    let store = try JournalStore()
    let first = try transaction(one, at: 2000)
    try store.admit(first)
    for time in [1999, 2000] as [UInt64] {
      let second = try transaction(one, 2, at: time, after: first.hash)
      #expect(throws: JournalError.acausal(second.dot, notAfter: first.dot)) {
        try store.admit(second)
      }
    }
  }

  @Test func `a timestamp must be above those of all dependencies`() throws {
    let store = try JournalStore()
    let first = try transaction(one, at: 2000)
    let second = try transaction(one, 2, at: 3000, after: first.hash)
    try store.admit(first)
    try store.admit(second)
    // Between the two it may depend on the first, although the head is later.
    let between = try transaction(two, at: 2500, dependencies: [one: 1])
    #expect(try store.admit(between) == .admitted)
    for (time, sequence) in [(2000, 1), (2500, 2), (3000, 2)] as [(UInt64, UInt64)] {
      let wrong = try transaction(
        Samples.origin(3), at: time, dependencies: [one: sequence])
      let dot = Dot(origin: one, sequence: sequence)
      #expect(throws: JournalError.acausal(wrong.dot, notAfter: dot)) { try store.admit(wrong) }
    }
    try store.verify()
  }

  @Test func `a journal damaged in the store is named with its entry`() throws {
    let store = try JournalStore()
    let chain = try Samples.chain(3)
    for transaction in chain { try store.admit(transaction) }
    let tree = try #require(
      try store.database.snapshot().tree(named: JournalTreeName.transactions.rawValue))
    let key = one.bytes + [0, 0, 0, 0, 0, 0, 0, 2]
    var damaged = chain[1].bytes
    damaged[damaged.count - 1] ^= 1
    let damages: [[UInt8]?] = [damaged, nil, chain[0].bytes, []]
    for value in damages {
      try store.database.write { transaction in
        if let value {
          try transaction.put(value, forKey: key, in: tree)
        } else {
          try transaction.delete(key, in: tree)
        }
      }
      for attempt in [
        { try store.verifyJournal() }, { _ = try store.transactions() },
        { _ = try store.admit(chain[1]) },
      ] as [() throws -> Void] {
        let error = #expect(throws: JournalError.self) { try attempt() }
        guard case .corrupt(let place, _)? = error else {
          Issue.record("\(String(describing: error))")
          continue
        }
        #expect(place.stream.contains("\(one):2"))
      }
    }
  }

  @Test func `verification finds heads and entries that disagree`() throws {
    let chain = try Samples.chain(2)
    let trees = JournalTreeName.allCases.map(\.rawValue)
    let other = try transaction(one, 2, at: 1_700_000_000_001, after: Hash256.of([1]))
    let changes: [(WriteTransaction, [TreeID]) throws -> Void] = [
      // A head that is missing, one that is none, an entry behind the head, and a foreign key.
      { try $0.delete(Samples.origin(1).bytes, in: $1[1]) },
      { try $0.put([1, 2, 3], forKey: Samples.origin(1).bytes, in: $1[1]) },
      {
        try $0.put(
          chain[0].bytes, forKey: chain[0].dot.origin.bytes + [0, 0, 0, 0, 0, 0, 0, 3], in: $1[0])
      },
      { try $0.put([], forKey: [1], in: $1[0]) },
      { try $0.put([], forKey: [1], in: $1[1]) },
      // A head with another hash, and an entry of another chain.
      { try $0.put(head(chain[1], hash: .zero), forKey: Samples.origin(1).bytes, in: $1[1]) },
      {
        try $0.put(
          other.bytes, forKey: other.dot.origin.bytes + [0, 0, 0, 0, 0, 0, 0, 2], in: $1[0])
      },
    ]
    for (index, change) in changes.enumerated() {
      let store = try JournalStore()
      for transaction in chain { try store.admit(transaction) }
      try store.verify()
      try store.database.write { transaction in
        let trees = try trees.map { try #require(try transaction.tree(named: $0)) }
        try change(transaction, trees)
      }
      #expect(throws: JournalError.self, "\(index)") { try store.verifyJournal() }
    }
  }

  /// The value that the tree of origins holds after a transaction, but for its hash.
  private func head(_ last: EncodedTransaction, hash: Hash256) -> [UInt8] {
    var writer = CBORWriter()
    writer.write(arrayCount: 4)
    writer.write(unsigned: last.header.sequence)
    writer.write(bytes: hash.bytes)
    writer.write(unsigned: last.header.timestamp.rawValue)
    writer.write(unsigned: last.header.origin.tag)
    return writer.bytes
  }
}
