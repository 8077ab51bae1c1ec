// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import StorageEngine
import Testing

struct JournalHoldTests {
  private let now: UInt64 = 1_700_000_000_000
  private let one = Samples.origin(1)
  private let two = Samples.origin(2)

  private func transaction(
    _ origin: Origin, _ sequence: UInt64 = 1, at time: UInt64, after previous: Hash256 = .zero,
    dependencies: [Origin: UInt64] = [:]
  ) throws -> EncodedTransaction {
    var vector = VersionVector()
    for (origin, sequence) in dependencies { vector[origin] = sequence }
    return try Samples.encoded(
      Samples.transaction(
        origin: origin, sequence: sequence, time: time, dependencies: vector, previous: previous))
  }

  /// Releases everything that may be applied, and returns it.
  private func release(_ store: JournalStore, now: UInt64) throws -> [EncodedTransaction] {
    try store.update { update in
      var released: [EncodedTransaction] = []
      while let next = try update.releaseNext(AdmissionPolicy(now: now)) { released.append(next) }
      return released
    }
  }

  @Test func `a transaction sixty seconds ahead is admitted and one beyond is held`() throws {
    let store = try JournalStore()
    #expect(try store.admit(transaction(one, at: now + 60_000)) == .admitted)
    let ahead = try transaction(two, at: now + 60_001)
    #expect(try store.admit(ahead) == .held(.tooFarAhead(releaseAt: now + 1)))
    #expect(try store.admit(ahead) == .held(.tooFarAhead(releaseAt: now + 1)), "idempotent")
    #expect(try store.applied()[two] == 0)
    #expect(try store.transactions().count == 1)
    let held = try store.held()
    #expect(held.map(\.header.dot) == [ahead.dot])
    #expect(held.map(\.reason) == [.tooFarAhead(releaseAt: now + 1)])
    try store.verify()
  }

  @Test func `held transactions do not move the clock`() throws {
    let store = try JournalStore()
    try store.admit(transaction(two, at: now + 10_000_000))
    let own = try store.append("a", origin: one, now: now)
    #expect(own.header.timestamp.milliseconds == now)
    #expect(own.header.dependencies.isEmpty)
  }

  @Test func `what follows or depends on a held transaction is held with it and released in order`()
    throws
  {
    let store = try JournalStore()
    let later = now + 100_000
    let first = try transaction(one, at: later)
    let second = try transaction(one, 2, at: later + 1, after: first.hash)
    let dependant = try transaction(two, at: later + 2, dependencies: [one: 2])
    #expect(try store.admit(first) == .held(.tooFarAhead(releaseAt: now + 40_000)))
    #expect(try store.admit(second) == .held(.waiting(for: first.dot)))
    #expect(try store.admit(dependant) == .held(.waiting(for: second.dot)))
    #expect(
      try store.held().map(\.reason) == [
        .tooFarAhead(releaseAt: now + 40_000), .waiting(for: first.dot), .waiting(for: second.dot),
      ])
    #expect(try store.journal.heldCount(in: store.database.snapshot()) == 3)
    #expect(try release(store, now: now + 39_999).isEmpty)
    #expect(try release(store, now: now + 40_000) == [first])
    #expect(try store.held(now: now + 40_000).map(\.header.dot) == [second.dot, dependant.dot])
    #expect(try release(store, now: later) == [second, dependant])
    #expect(try store.held().isEmpty)
    #expect(try store.transactions() == [first, second, dependant])
    #expect(try release(store, now: later).isEmpty)
    try store.verify()
  }

  @Test func `a held transaction that comes again when its time has come is admitted`() throws {
    let store = try JournalStore()
    let ahead = try transaction(one, at: now + 100_000)
    try store.admit(ahead)
    #expect(try store.admit(ahead, now: now + 100_000) == .admitted)
    #expect(try store.held().isEmpty)
    #expect(try release(store, now: now + 100_000).isEmpty)
    try store.verify()
  }

  @Test func `a fork of a held transaction is refused`() throws {
    let store = try JournalStore()
    let ahead = try transaction(one, at: now + 100_000)
    let other = try transaction(one, at: now + 100_001)
    try store.admit(ahead)
    #expect(throws: JournalError.fork(ahead.dot, known: ahead.hash, offered: other.hash)) {
      try store.admit(other)
    }
    let wrong = Hash256.of([1])
    let second = try transaction(one, 2, at: now + 100_002, after: wrong)
    #expect(throws: JournalError.fork(ahead.dot, known: ahead.hash, offered: wrong)) {
      try store.admit(second)
    }
    let early = try transaction(one, 2, at: now + 100_000, after: ahead.hash)
    #expect(throws: JournalError.acausal(early.dot, notAfter: ahead.dot)) {
      try store.admit(early)
    }
    #expect(try store.held().map(\.header.dot) == [ahead.dot])
  }

  @Test func `a held transaction that turns out to be wrong stays and is shown with its reason`()
    throws
  {
    let store = try JournalStore()
    let base = try transaction(one, at: now + 100_000)
    // Its timestamp is below that of what it depends on, which shows when that is applied.
    let wrong = try transaction(two, at: now + 50_000, dependencies: [one: 1])
    try store.admit(base)
    #expect(try store.admit(wrong) == .held(.waiting(for: base.dot)))
    #expect(try release(store, now: now + 100_000) == [base])
    let held = try store.held(now: now + 100_000)
    #expect(held.map(\.header.dot) == [wrong.dot])
    guard case .refused(let reason)? = held.first?.reason else {
      Issue.record("\(held)")
      return
    }
    #expect(reason.contains("\(base.dot)"))
    try store.append("a", origin: Samples.origin(3), now: now + 100_000)
    try store.verify()
  }

  @Test func `the limit of the clock does not overflow`() throws {
    let store = try JournalStore()
    let last = try Samples.encoded(
      Samples.transaction(origin: one, time: HybridTimestamp.largestMilliseconds))
    #expect(
      try store.admit(last)
        == .held(.tooFarAhead(releaseAt: HybridTimestamp.largestMilliseconds - 60_000)))
    let store2 = try JournalStore()
    #expect(try store2.admit(last, now: .max) == .admitted)
  }
}
