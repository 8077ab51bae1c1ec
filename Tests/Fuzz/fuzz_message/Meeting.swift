// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import FuzzSupport
import PeerSync

/// A session with a peer that says something, over a store that does all it is told.
struct Meeting {
  private static let origin = SampleTransactions.origin(1)
  private static let journal = SampleTransactions.chain()
  /// More effects than any session has that gets its journal in one batch.
  private static let effectLimit = 100

  private let peer: Hello
  private let acknowledgement: Acknowledgement?
  private var session: SyncSession

  /// The bits of `choice` above the lowest two choose the options.
  init(_ choice: UInt8, _ peer: Hello, saying acknowledgement: Acknowledgement?) {
    self.peer = peer
    self.acknowledgement = acknowledgement
    let options = SyncOptions(
      direction: [.both, .both, .pull, .push][Int(choice >> 2 & 3)], adopt: choice & 16 != 0,
      isDryRun: choice & 32 != 0)
    session = SyncSession(options: options)
  }

  /// Performs effects until the session ends.
  mutating func run() {
    var waiting = session.handle(.start, at: 0)
    var done = 0
    while done < waiting.count {
      let effect = waiting[done]
      done += 1
      require(done < Self.effectLimit, "a session goes on without end")
      if let event = perform(effect) { waiting += session.handle(event, at: UInt64(done)) }
    }
    require(session.hasEnded, "a session waits for nothing")
  }

  private func perform(_ effect: SyncSession.Effect) -> SyncSession.Event? {
    switch effect {
    case .examine(let dots): .examined(facts(dots))
    case .adopt: .adopted
    case .request(let request): .answered(answer(request))
    case .take(let transactions, _):
      .taken(TakeOutcome(applied: UInt64(transactions.count), held: 0, known: 0))
    case .read: .read(Self.journal, isLast: true)
    case .openJournal, .progress, .finished, .failed: nil
    }
  }

  private func facts(_ dots: [Dot]) -> ReplicaFacts {
    let known = Self.journal.filter { dots.contains($0.dot) }.map { ($0.dot, $0.hash) }
    return ReplicaFacts(hello: Self.mine, hashes: Dictionary(uniqueKeysWithValues: known))
  }

  private func answer(_ request: SyncRequest) -> SyncAnswer {
    switch request {
    case .hello: .hello(peer)
    case .pull:
      .batch(
        ReceivedBatch(
          storeID: peer.storeID, transactions: SampleTransactions.chain(), isLast: true, bytes: 1))
    case .push(let batch):
      .acknowledgement(
        acknowledgement
          ?? Acknowledgement(applied: peer.applied, received: peer.received, held: 0),
        bytes: UInt64(batch.transactions.count))
    }
  }
}

extension Meeting {
  private static var mine: Hello {
    hello(of: origin, heads: journal.suffix(1).map { Hello.Head(dot: $0.dot, hash: $0.hash) })
  }

  /// A peer without transactions, one with ours, and one with its own.
  static var peers: [Hello] {
    let other = SampleTransactions.origin(2)
    let own = Hello.Head(dot: Dot(origin: other, sequence: 24), hash: journal[0].hash)
    return [
      hello(of: other, heads: []), hello(of: other, heads: mine.heads),
      hello(of: other, heads: mine.heads + [own]),
    ]
  }

  private static func hello(of origin: Origin, heads: [Hello.Head]) -> Hello {
    var hello = Hello(
      storeID: SampleTransactions.storeID, origin: origin, clock: 1_700_000_000_000, heads: heads,
      received: VersionVector(), held: 0)
    hello.received = hello.applied
    return hello
  }
}
