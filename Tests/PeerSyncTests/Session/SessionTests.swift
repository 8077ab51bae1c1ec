// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import PeerSync
import Records
import TestSupport
import Testing

/// A session, step by step, with a peer that says what it likes.
@Suite struct SessionTests {
  private static let storeID = StoreID(high: 1, low: 1)
  private static let now: UInt64 = 1_900_000_000_000

  private func replica(_ number: UInt64, writes: Int = 0) throws -> SimulatedReplica {
    let replica = try SimulatedReplica(
      name: "replica \(number)", seed: TestEnvironment.seed &+ number, now: Self.now)
    try replica.store.adopt(Self.storeID)
    for value in 0..<writes {
      try replica.store.write { try $0.put("c", .integer(Int64(value)), []) }
    }
    return replica
  }

  /// Leads a session to the point where it has compared the hellos, and returns what it does then.
  private func greet(
    _ session: inout SyncSession, _ replica: SimulatedReplica, _ peer: Hello
  ) throws -> [SyncSession.Effect] {
    _ = session.handle(.start, at: 0)
    let before = try replica.store.facts(hashesAt: [], clock: Self.now)
    _ = session.handle(.examined(before), at: 0)
    var effects = session.handle(.answered(.hello(peer)), at: 0)
    guard case .examine(let dots)? = effects.last else { return effects }
    let facts = try replica.store.facts(hashesAt: dots, clock: Self.now)
    effects = session.handle(.examined(facts), at: 0)
    return effects
  }

  private func failure(_ effects: [SyncSession.Effect]) -> SyncError.Code? {
    guard case .failed(let error)? = effects.last else { return nil }
    return error.code
  }

  private func hello(of replica: SimulatedReplica) throws -> Hello {
    try replica.store.facts(hashesAt: [], clock: Self.now).hello
  }

  @Test func `a peer of a later protocol only is refused`() throws {
    let (mine, peer) = (try replica(1), try replica(2, writes: 1))
    var hello = try hello(of: peer)
    hello.versions = 2...9
    var session = SyncSession()
    #expect(failure(try greet(&session, mine, hello)) == .incompatible)
    #expect(session.hasEnded)
    let refusal = #expect(throws: SyncError.self) {
      try SyncResponder(store: mine.store).answer(hello, clock: Self.now)
    }
    #expect(refusal?.code == .incompatible)
  }

  @Test func `a copied file that was written to is found on both sides`() throws {
    // Two of one seed have one name, as a file and its copy.
    let (mine, copy) = (try replica(1, writes: 2), try replica(1))
    for _ in 0..<2 { try copy.store.write { try $0.put("d", .integer(1), []) } }
    var session = SyncSession()
    let hello = try hello(of: copy)
    #expect(failure(try greet(&session, mine, hello)) == .fork)
    let refusal = #expect(throws: SyncError.self) {
      try SyncResponder(store: mine.store).answer(hello, clock: Self.now)
    }
    #expect(refusal?.code == .fork)
  }

  @Test func `a peer that knows more of us than we do shows that we are an older copy`() throws {
    let (whole, older) = (try replica(1, writes: 3), try replica(1, writes: 2))
    let peer = try replica(2)
    _ = try peer.store.take(whole.transactions(), of: Self.storeID)
    var session = SyncSession()
    #expect(failure(try greet(&session, older, hello(of: peer))) == .rollback)
    // And of the peer, when we are the ones who know more.
    session = SyncSession()
    #expect(failure(try greet(&session, peer, hello(of: older))) == .rollback)
    let refusal = #expect(throws: SyncError.self) {
      try SyncResponder(store: older.store).answer(try hello(of: peer), clock: Self.now)
    }
    #expect(refusal?.code == .rollback)
    session = SyncSession()
    #expect(failure(try greet(&session, whole, hello(of: peer))) == nil)
  }

  @Test func `what we write while the peer answers is no rollback`() throws {
    let (mine, peer) = (try replica(1, writes: 1), try replica(2))
    var session = SyncSession()
    _ = session.handle(.start, at: 0)
    let before = try mine.store.facts(hashesAt: [], clock: Self.now)
    _ = session.handle(.examined(before), at: 0)
    // Another session takes a later write of ours to the peer before it answers this one.
    try mine.store.write { try $0.put("c", .integer(9), []) }
    _ = try peer.store.take(mine.transactions(), of: Self.storeID)
    let effects = session.handle(.answered(.hello(try hello(of: peer))), at: 0)
    guard case .examine(let dots)? = effects.last else {
      Issue.record("\(effects)")
      return
    }
    let facts = try mine.store.facts(hashesAt: dots, clock: Self.now)
    #expect(failure(session.handle(.examined(facts), at: 0)) == nil)
  }

  @Test(arguments: ["out of place", "other data set", "nothing and not last", "two answers"])
  func `a batch that cannot be right ends the session`(fault: String) throws {
    let (mine, peer) = (try replica(1), try replica(2, writes: 3))
    var transactions = try peer.transactions()
    var session = SyncSession()
    let effects = try greet(&session, mine, hello(of: peer))
    guard case .request(.pull)? = effects.last else {
      Issue.record("\(effects)")
      return
    }
    var storeID = Self.storeID
    switch fault {
    case "out of place": transactions.remove(at: 1)
    case "other data set": storeID = StoreID(high: 2, low: 2)
    case "nothing and not last": transactions = []
    default: break
    }
    let batch = ReceivedBatch(
      storeID: storeID, transactions: transactions, isLast: fault == "two answers", bytes: 1)
    var answers = session.handle(.answered(.batch(batch)), at: 0)
    if fault == "two answers" {
      guard case .take(let taken, let data)? = answers.first else {
        Issue.record("\(answers)")
        return
      }
      #expect(taken.count == 3 && data == Self.storeID)
      answers = session.handle(.answered(.batch(batch)), at: 0)
    }
    #expect(failure(answers) == (fault == "other data set" ? .storeMismatch : .corrupt))
    #expect(session.handle(.start, at: 0).isEmpty)
  }

  @Test func `an acknowledgement without what was sent ends the session`() throws {
    let (mine, peer) = (try replica(1, writes: 3), try replica(2))
    var session = SyncSession()
    _ = try greet(&session, mine, hello(of: peer))
    let transactions = try mine.transactions()
    let effects = session.handle(.read(transactions, isLast: true), at: 0)
    guard case .request(.push(let batch))? = effects.last else {
      Issue.record("\(effects)")
      return
    }
    #expect(batch.storeID == Self.storeID && batch.transactions.count == 3)
    var received = VersionVector()
    received[mine.store.origin] = 2
    let acknowledgement = Acknowledgement(applied: received, received: received, held: 0)
    let answer = SyncAnswer.acknowledgement(acknowledgement, bytes: 1)
    #expect(failure(session.handle(.answered(answer), at: 0)) == .failed)
    #expect(session.report.pushed.transactions == 0)
  }

  @Test func `what came before a cut is handed to the store before the session fails`() throws {
    let (mine, peer) = (try replica(1), try replica(2, writes: 4))
    let transactions = try peer.transactions()
    var session = SyncSession()
    _ = try greet(&session, mine, hello(of: peer))
    func batch(_ range: Range<Int>) -> SyncSession.Event {
      .answered(
        .batch(
          ReceivedBatch(
            storeID: Self.storeID, transactions: Array(transactions[range]), isLast: false,
            bytes: 1)))
    }
    _ = session.handle(batch(0..<2), at: 0)
    _ = session.handle(batch(2..<3), at: 0)
    #expect(session.handle(.refused(.unreachable("cut")), at: 0).isEmpty)
    let outcome = TakeOutcome(applied: 2, held: 0, known: 0)
    let effects = session.handle(.taken(outcome), at: 0)
    guard case .take(let rest, _)? = effects.last else {
      Issue.record("\(effects)")
      return
    }
    #expect(rest.map(\.dot) == [transactions[2].dot])
    #expect(failure(session.handle(.taken(outcome), at: 0)) == .unreachable)
    #expect(session.report.pulled.transactions == 3)
  }

  @Test func `nothing is waited for when what came before a cut was the end`() throws {
    let (mine, peer) = (try replica(1), try replica(2, writes: 2))
    let transactions = try peer.transactions()
    var session = SyncSession()
    _ = try greet(&session, mine, hello(of: peer))
    func batch(_ range: Range<Int>, isLast: Bool) -> SyncSession.Event {
      let part = Array(transactions[range])
      return .answered(
        .batch(
          ReceivedBatch(storeID: Self.storeID, transactions: part, isLast: isLast, bytes: 1)))
    }
    _ = session.handle(batch(0..<2, isLast: false), at: 0)
    _ = session.handle(batch(2..<2, isLast: true), at: 0)
    #expect(session.handle(.refused(.unreachable("cut")), at: 0).isEmpty)
    let outcome = TakeOutcome(applied: 2, held: 0, known: 0)
    #expect(failure(session.handle(.taken(outcome), at: 0)) == .unreachable)
  }

  @Test func `an answer that comes after the peer was given up changes nothing`() throws {
    let (mine, peer) = (try replica(1), try replica(2, writes: 4))
    let transactions = try peer.transactions()
    func batch(_ range: Range<Int>) -> SyncSession.Event {
      let part = Array(transactions[range])
      return .answered(
        .batch(
          ReceivedBatch(storeID: Self.storeID, transactions: part, isLast: false, bytes: 1)))
    }
    for late in [batch(2..<4), .refused(.unreachable("cut"))] {
      var session = SyncSession()
      _ = try greet(&session, mine, hello(of: peer))
      // What came first is still being applied when the next answer takes too long.
      _ = session.handle(batch(0..<2), at: 0)
      #expect(session.handle(.tick, at: 60_000).isEmpty)
      #expect(session.handle(late, at: 60_001).isEmpty)
      let outcome = TakeOutcome(applied: 2, held: 0, known: 0)
      #expect(failure(session.handle(.taken(outcome), at: 60_002)) == .timeout)
      #expect(session.report.pulled.transactions == 2)
    }
  }

  @Test func `a peer that never answers is given up`() throws {
    let mine = try replica(1)
    var session = SyncSession()
    _ = session.handle(.start, at: 0)
    _ = session.handle(.examined(try mine.store.facts(hashesAt: [], clock: Self.now)), at: 5)
    #expect(session.handle(.tick, at: 60_004).isEmpty)
    #expect(failure(session.handle(.tick, at: 60_005)) == .timeout)
  }

  @Test func `answers to questions nobody asked end the session`() throws {
    let (mine, peer) = (try replica(1), try replica(2, writes: 1))
    let vector = VersionVector()
    let acknowledgement = SyncAnswer.acknowledgement(
      Acknowledgement(applied: vector, received: vector, held: 0), bytes: 0)
    for answer in [acknowledgement, .hello(try hello(of: peer))] {
      var session = SyncSession()
      _ = try greet(&session, mine, hello(of: peer))
      #expect(failure(session.handle(.answered(answer), at: 0)) == .corrupt)
    }
  }

  @Test func `a dry run says what would be done and does nothing`() throws {
    let (mine, peer) = (try replica(1, writes: 2), try replica(2, writes: 3))
    var session = SyncSession(options: SyncOptions(isDryRun: true))
    let effects = try greet(&session, mine, hello(of: peer))
    guard case .finished(let report)? = effects.last else {
      Issue.record("\(effects)")
      return
    }
    #expect(report.plan?.toPull == 3 && report.plan?.toPush == 2)
    #expect(report.pulled.transactions == 0 && report.pushed.transactions == 0)
  }
}
