// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import StorageEngine
import TestSupport
import Testing

struct JournalCursorTests {
  /// Three replicas that write and exchange transactions at random.
  private func exchange(seed: UInt64, steps: Int) throws -> [JournalStore] {
    var generator = SplitMix64(seed: seed)
    let stores = try (0..<3).map { _ in try JournalStore() }
    for step in 0..<steps {
      let index = Int.random(in: 0..<3, using: &generator)
      if generator.chance(1, in: 4) {
        let from = stores[Int.random(in: 0..<3, using: &generator)]
        for transaction in try from.transactions(since: stores[index].applied()) {
          #expect(try stores[index].admit(transaction) == .admitted, "seed \(seed)")
        }
      } else {
        // Clocks that differ, stand still and go back.
        let now = 1_700_000_000_000 + UInt64.random(in: 0..<20, using: &generator)
        try stores[index].append(
          "\(step)", origin: Samples.origin(UInt8(index + 1)), now: now)
      }
    }
    return stores
  }

  @Test(arguments: testSeeds(10))
  func `the order of the cursor is causal and the same on every replica`(seed: UInt64) throws {
    let stores = try exchange(seed: seed, steps: 60)
    for store in stores {
      for other in stores {
        for transaction in try other.transactions(since: store.applied()) {
          try store.admit(transaction)
        }
      }
    }
    let order = try stores[0].transactions()
    for store in stores {
      #expect(try store.transactions() == order, "seed \(seed)")
      try store.verify()
    }
    var applied = VersionVector()
    for transaction in order {
      #expect(applied.dominates(transaction.header.dependencies), "seed \(seed)")
      #expect(applied[transaction.header.origin] == transaction.header.sequence - 1)
      applied[transaction.header.origin] = transaction.header.sequence
    }
    #expect(
      order
        == order.sorted {
          ($0.header.timestamp, $0.header.origin.tag) < ($1.header.timestamp, $1.header.origin.tag)
        })
  }

  @Test(arguments: testSeeds(10))
  func `the cursor continues from any vector and the count is exact`(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    let store = try exchange(seed: seed, steps: 40)[0]
    let all = try store.transactions()
    for _ in 0..<10 {
      var since = VersionVector()
      for number in 1...4 as ClosedRange<UInt8> {
        since[Samples.origin(number)] = UInt64.random(in: 0...12, using: &generator)
      }
      let rest = try store.transactions(since: since)
      #expect(rest == all.filter { !since.covers($0.dot) }, "seed \(seed)")
      #expect(
        try store.journal.count(since: since, in: store.database.snapshot())
          == UInt64(rest.count))
    }
  }

  @Test func `transactions too large to be retained are read when their turn comes`() throws {
    let store = try JournalStore()
    for number in 1...3 as ClosedRange<UInt8> {
      let chain = try Samples.chain(2, origin: Samples.origin(number)) { index in
        let data = Array(repeating: UInt8(index), count: 100_000)
        return [Samples.patch("blobs", .integer(Int64(index)), ("data", .bytes(data)))]
      }
      for transaction in chain { try store.admit(transaction) }
    }
    #expect(try store.transactions().count == 6)
    #expect(try store.transactions().map(\.header.sequence) == [1, 1, 1, 2, 2, 2])
  }

  @Test func `a cursor shows the snapshot it was made from`() throws {
    let store = try JournalStore()
    try store.append("a", origin: Samples.origin(1))
    let cursor = try store.journal.cursor(in: store.database.snapshot())
    try store.append("b", origin: Samples.origin(1))
    #expect(cursor.applied[Samples.origin(1)] == 1)
    #expect(try cursor.next()?.header.sequence == 1)
    #expect(try cursor.next() == nil)
  }

  @Test func `an empty journal has nothing to read`() throws {
    let store = try JournalStore()
    #expect(try store.transactions().isEmpty)
    #expect(try store.applied().isEmpty)
    #expect(try store.journal.count(in: store.database.snapshot()) == 0)
    try store.verify()
  }

  @Test func `hashes and transactions are found by their names`() throws {
    let store = try JournalStore()
    let first = try store.append("a", origin: Samples.origin(1))
    let snapshot = try store.database.snapshot()
    #expect(try store.journal.hash(of: first.dot, in: snapshot) == first.hash)
    #expect(try store.journal.transaction(first.dot, in: snapshot) == first)
    let absent = Dot(origin: Samples.origin(1), sequence: 2)
    #expect(try store.journal.transaction(absent, in: snapshot) == nil)
    let head = try store.journal.heads(in: snapshot).ordered.first
    #expect(head?.chainHead == ChainHead(sequence: 1, hash: first.hash))
    #expect(head?.tag == Samples.origin(1).tag)
  }

  @Test func `a chain is verified without a store`() throws {
    let chain = try Samples.chain(4)
    var verifier = ChainVerifier()
    for transaction in chain[1...] { try verifier.verify(transaction) }
    #expect(throws: JournalError.gap(chain[1].dot, expected: 5)) { try verifier.verify(chain[1]) }
    var known = ChainVerifier(heads: [
      Samples.origin(1): ChainHead(sequence: 1, hash: Hash256.of([1]))
    ])
    #expect(throws: JournalError.fork(chain[0].dot, known: Hash256.of([1]), offered: chain[0].hash))
    {
      try known.verify(chain[1])
    }
  }
}
