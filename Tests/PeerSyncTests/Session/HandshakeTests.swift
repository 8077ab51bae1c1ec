// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import Testing

@testable import PeerSync

/// What two replicas that have introduced themselves agree on.
@Suite struct HandshakeTests {
  private static let one = Origin(replica: ReplicaID(high: 1, low: 1), incarnation: 1)
  private static let two = Origin(replica: ReplicaID(high: 2, low: 2), incarnation: 1)
  private static let stores = [StoreID(high: 1, low: 1), StoreID(high: 2, low: 2)]

  private static func hash(_ text: String) -> Hash256 { Hash256.of(Array(text.utf8)) }

  /// A replica that has applied the first transactions of some origins.
  private func hello(
    _ origin: Origin, _ store: Int = 0, applied: [(Origin, UInt64)] = [],
    alsoReceived: [(Origin, UInt64)] = [], hash: String = ""
  ) -> Hello {
    var vector = VersionVector()
    for (origin, sequence) in applied { vector[origin] = sequence }
    let heads = vector.entries.map {
      Hello.Head(
        dot: Dot(origin: $0.origin, sequence: $0.sequence),
        hash: Self.hash("\(hash)\($0.origin) \($0.sequence)"))
    }
    for (origin, sequence) in alsoReceived { vector[origin] = sequence }
    return Hello(
      storeID: Self.stores[store], origin: origin, clock: 1000, heads: heads, received: vector,
      held: UInt64(alsoReceived.count))
  }

  private func plan(
    _ mine: Hello, _ peer: Hello, _ options: SyncOptions = SyncOptions()
  ) throws(SyncError) -> SyncPlan {
    try Handshake.plan(mine: mine, peer: peer, options: options, clockOffset: 0)
  }

  @Test func `replicas of one data set exchange what is missing`() throws {
    let mine = hello(Self.one, applied: [(Self.one, 5), (Self.two, 1)])
    let peer = hello(Self.two, applied: [(Self.one, 2), (Self.two, 4)])
    let plan = try plan(mine, peer)
    #expect(plan.toPull == 3 && plan.toPush == 3)
    #expect(!plan.adoptsPeer && !plan.peerAdopts && plan.storeID == Self.stores[0])
    let pull = try self.plan(mine, peer, SyncOptions(direction: .pull))
    #expect(pull.toPull == 3 && pull.toPush == 0)
    let push = try self.plan(mine, peer, SyncOptions(direction: .push))
    #expect(push.toPull == 0 && push.toPush == 3)
  }

  @Test func `what is held is not sent again`() throws {
    let mine = hello(Self.one, applied: [(Self.one, 1)], alsoReceived: [(Self.two, 3)])
    let peer = hello(Self.two, applied: [(Self.two, 4)])
    #expect(try plan(mine, peer).toPull == 1)
    // And what we hold ourselves we cannot give.
    #expect(try plan(mine, hello(Self.two)).toPush == 1)
  }

  @Test(arguments: [SyncOptions.Direction.both, .pull, .push])
  func `two data sets with transactions are refused`(direction: SyncOptions.Direction) throws {
    let mine = hello(Self.one, 0, applied: [(Self.one, 1)])
    let peer = hello(Self.two, 1, applied: [(Self.two, 1)])
    let refusal = #expect(throws: SyncError.self) {
      try plan(mine, peer, SyncOptions(direction: direction))
    }
    #expect(refusal?.code == .storeMismatch)
  }

  @Test func `a store that only holds transactions is not empty`() throws {
    let mine = hello(Self.one, 0, applied: [(Self.one, 1)])
    let peer = hello(Self.two, 1, alsoReceived: [(Self.two, 1)])
    #expect(throws: SyncError.self) { try plan(mine, peer) }
  }

  @Test func `told to adopt we join the peer's data set`() throws {
    let mine = hello(Self.one, 0, applied: [(Self.one, 1)])
    let peer = hello(Self.two, 1, applied: [(Self.two, 1)])
    let plan = try plan(mine, peer, SyncOptions(adopt: true))
    #expect(plan.adoptsPeer && !plan.peerAdopts && plan.storeID == Self.stores[1])
    #expect(plan.toPull == 1 && plan.toPush == 1)
  }

  @Test func `a store without transactions takes the other's identity`() throws {
    let empty = hello(Self.one, 0)
    let full = hello(Self.two, 1, applied: [(Self.two, 2)])
    let asClient = try plan(empty, full)
    #expect(asClient.adoptsPeer && asClient.storeID == Self.stores[1] && asClient.toPull == 2)
    let asServer = try plan(full, empty)
    #expect(asServer.peerAdopts && !asServer.adoptsPeer && asServer.storeID == Self.stores[1])
    #expect(asServer.toPush == 2)
  }

  @Test func `of two stores without transactions the client takes the other's identity`() throws {
    let plan = try plan(hello(Self.one, 0), hello(Self.two, 1))
    #expect(plan.adoptsPeer && !plan.peerAdopts && plan.storeID == Self.stores[1])
  }

  @Test func `a direction in which nothing goes leaves identities alone`() throws {
    let empty = hello(Self.one, 0)
    let full = hello(Self.two, 1, applied: [(Self.two, 2)])
    #expect(try !plan(empty, full, SyncOptions(direction: .push)).adoptsPeer)
    #expect(try !plan(full, empty, SyncOptions(direction: .pull)).peerAdopts)
  }

  @Test func `one sequence with two hashes is a fork`() throws {
    let peer = hello(Self.two, applied: [(Self.one, 3)], hash: "other ")
    let dot = Dot(origin: Self.one, sequence: 3)
    let mine = hello(Self.one, applied: [(Self.one, 5)])
    var facts = ReplicaFacts(hello: mine, hashes: [dot: Self.hash("mine")])
    let refusal = #expect(throws: SyncError.self) {
      try Handshake.checkForFork(mine: facts, peer: peer)
    }
    #expect(refusal?.code == .fork)
    facts.hashes[dot] = peer.heads[0].hash
    try Handshake.checkForFork(mine: facts, peer: peer)
    facts.hashes = [:]
    try Handshake.checkForFork(mine: facts, peer: peer)
  }

  @Test func `who lacks transactions of its own that another has was rolled back`() throws {
    let witness = hello(Self.two, applied: [(Self.one, 3)])
    let rolledBack = hello(Self.one, applied: [(Self.one, 2)])
    let refusal = #expect(throws: SyncError.self) {
      try Handshake.checkForRollback(of: rolledBack, witness: witness)
    }
    #expect(refusal?.code == .rollback)
    // Held counts: it was received from the writer all the same.
    let holder = hello(Self.two, alsoReceived: [(Self.one, 3)])
    #expect(throws: SyncError.self) {
      try Handshake.checkForRollback(of: rolledBack, witness: holder)
    }
    for count: UInt64 in [3, 4] {
      let whole = hello(Self.one, applied: [(Self.one, count)])
      try Handshake.checkForRollback(of: whole, witness: witness)
    }
  }

  @Test func `an earlier incarnation of ours is another's, not a rollback`() throws {
    let earlier = Origin(replica: Self.one.replica, incarnation: 0)
    let peer = hello(Self.two, applied: [(earlier, 9)])
    try Handshake.checkForRollback(of: hello(Self.one), witness: peer)
    #expect(try plan(hello(Self.one), peer).toPull == 9)
  }

  @Test(
    arguments: [
      (1...1, 1...1, 1 as UInt64?), (1...1, 1...7, 1), (1...3, 2...9, 3), (2...9, 1...3, 3),
      (1...1, 2...3, nil), (4...5, 1...3, nil), (1...(.max), 5...6, 6),
    ] as [(ClosedRange<UInt64>, ClosedRange<UInt64>, UInt64?)])
  func `the newest version both speak is agreed on`(
    mine: ClosedRange<UInt64>, peer: ClosedRange<UInt64>, agreed: UInt64?
  ) throws {
    var hellos = [hello(Self.one), hello(Self.two)]
    hellos[0].versions = mine
    hellos[1].versions = peer
    if let agreed {
      #expect(try Handshake.agreeOnVersion(hellos[0], hellos[1]) == agreed)
    } else {
      let refusal = #expect(throws: SyncError.self) {
        try Handshake.agreeOnVersion(hellos[0], hellos[1])
      }
      #expect(refusal?.code == .incompatible)
    }
  }

  @Test func `vectors of any size are counted without overflow`() {
    var vector = VersionVector()
    for number in 0..<8 {
      vector[Origin(replica: ReplicaID(high: 9, low: UInt64(number)), incarnation: 1)] =
        JournalLimits.sequence
    }
    #expect(Handshake.missing(in: VersionVector(), from: vector) == .max)
    #expect(Handshake.missing(in: vector, from: vector) == 0)
  }
}
