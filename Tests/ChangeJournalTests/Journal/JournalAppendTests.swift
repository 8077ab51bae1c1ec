// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import Testing

@testable import ChangeJournal

struct JournalAppendTests {
  private let here = Samples.origin(1)
  private let there = Samples.origin(2)

  @Test func `transactions written here are numbered, stamped and chained`() throws {
    let store = try JournalStore()
    let first = try store.append("a", origin: here, now: 1000)
    let second = try store.append("b", origin: here, now: 1000)
    let third = try store.append("c", origin: here, now: 5)
    #expect([first, second, third].map(\.header.sequence) == [1, 2, 3])
    #expect(first.header.previousHash == .zero)
    #expect(second.header.previousHash == first.hash)
    #expect(third.header.previousHash == second.hash)
    #expect(first.header.timestamp == HybridTimestamp(milliseconds: 1000, counter: 0))
    #expect(third.header.timestamp == HybridTimestamp(milliseconds: 1000, counter: 2))
    #expect(third.header.dependencies.isEmpty)
    #expect(try store.transactions() == [first, second, third])
    try store.verify()
  }

  @Test func `a transaction depends on everything applied before it`() throws {
    let store = try JournalStore()
    let chain = try Samples.chain(3, origin: there)
    for transaction in chain { #expect(try store.admit(transaction) == .admitted) }
    let own = try store.append("a", origin: here, now: 5)
    #expect(own.header.dependencies.description == "\(there):3")
    #expect(own.header.timestamp > chain[2].header.timestamp)
    #expect(try store.append("b", origin: here).header.dependencies[there] == 3)
    #expect(try store.transactions() == chain + store.transactions(since: own.header.dependencies))
    try store.verify()
  }

  @Test func `one update may add several transactions`() throws {
    let store = try JournalStore()
    let parts = try EncodedParts(Samples.transaction().parts)
    let origin = here
    try store.update { update in
      for _ in 0..<5 { try update.append(parts, at: update.nextPlace(of: origin, now: 7)) }
      #expect(update.heads.applied[origin] == 5)
    }
    #expect(try store.applied()[here] == 5)
    try store.verify()
  }

  @Test func `a place is good for one transaction, and before anything else is added`() throws {
    let store = try JournalStore()
    let parts = try EncodedParts(Samples.transaction().parts)
    let (here, there) = (here, there)
    try store.update { update in
      let taken = try update.nextPlace(of: here, now: 7)
      let early = try update.nextPlace(of: there, now: 7)
      let appended = try update.append(parts, at: taken)
      #expect(appended.header.timestamp == taken.timestamp && taken.tag == here.tag)
      let again = Dot(origin: here, sequence: 1)
      #expect(throws: JournalError.gap(again, expected: 2)) {
        try update.append(parts, at: taken)
      }
      let late = Dot(origin: there, sequence: 1)
      #expect(throws: JournalError.acausal(late, notAfter: appended.dot)) {
        try update.append(parts, at: early)
      }
      try update.append(parts, at: update.nextPlace(of: there, now: 7))
    }
    #expect(try store.applied().entries.map(\.sequence) == [1, 1])
    try store.verify()
  }

  @Test func `heads agree with entries also when an update fails and is committed`() throws {
    let store = try JournalStore()
    let chain = try Samples.chain(4, origin: there)
    let journal = store.journal
    try store.database.write { transaction in
      _ = #expect(throws: JournalError.self) {
        try journal.update(in: transaction) { update in
          _ = try update.admit(chain[0], AdmissionPolicy(now: 1_700_000_000_000))
          _ = try update.admit(chain[2], AdmissionPolicy(now: 1_700_000_000_000))
        }
      }
    }
    #expect(try store.applied()[there] == 1)
    try store.verify()
  }

  @Test func `a transaction that is rolled back leaves nothing`() throws {
    struct Stop: Error {}
    let store = try JournalStore()
    let parts = try EncodedParts(Samples.transaction().parts)
    let origin = here
    #expect(throws: Stop.self) {
      try store.update { update in
        try update.append(parts, at: update.nextPlace(of: origin, now: 7))
        throw Stop()
      }
    }
    #expect(try store.applied().isEmpty)
    try store.verify()
  }

  @Test func `the journal is found again in its trees`() throws {
    let store = try JournalStore()
    try store.append("a", origin: here)
    let again = try Journal.open(in: store.database.snapshot())
    #expect(try again.appliedVector(in: store.database.snapshot())[here] == 1)
    #expect(throws: JournalError.self) { try store.database.write { try Journal.create(in: $0) } }
  }

  @Test func `a clock at its end refuses to write`() throws {
    let store = try JournalStore()
    let last = try EncodedTransaction(
      JournalTransaction(
        origin: there, sequence: 1, timestamp: HybridTimestamp(rawValue: .max),
        dependencies: VersionVector(), previousHash: .zero, parts: []))
    #expect(try store.admit(last, now: .max) == .admitted)
    #expect(throws: JournalError.clockExhausted) { try store.append("a", origin: here) }
    #expect(try store.applied()[here] == 0)
  }

  @Test func `an origin with the tag of another is refused`() throws {
    let store = try JournalStore()
    // Two origins with one tag cannot be found: the head of the other one is forged.
    let tree = try #require(
      try store.database.snapshot().tree(named: JournalTreeName.origins.rawValue))
    let forged = OriginHead(
      origin: there, sequence: 1, hash: .zero, timestamp: HybridTimestamp(rawValue: 1),
      tag: here.tag)
    try store.database.write {
      try $0.put(forged.encoded(), forKey: forged.origin.bytes, in: tree)
    }
    let collision = JournalError.tagCollision(there, here)
    #expect(throws: collision) { try store.append("a", origin: here) }
    #expect(throws: collision) { try store.admit(Samples.chain(1, origin: here)[0]) }
    #expect(throws: JournalError.self) { try store.verifyJournal() }
  }
}
