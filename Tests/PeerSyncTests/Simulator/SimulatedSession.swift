// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import PeerSync
import Records

typealias RecordStoreUnderTest = RecordStore

/// A session between two replicas, and what its carrier would remember.
final class SimulatedSession {
  let number: Int
  let initiator: Int
  let responder: Int
  private(set) var session: SyncSession
  /// Numbers the requests, so that late and repeated answers are told apart.
  private var exchange = 0
  private var isWaiting = false
  /// After a cut nothing more gets through.
  var isBroken = false
  /// Whether the network changed bytes, so that the session may find damage.
  var isTampered = false
  private var journal: JournalCursor?
  private var position = VersionVector()
  private(set) var report: SyncReport?
  private(set) var failure: SyncError?

  init(number: Int, initiator: Int, responder: Int, options: SyncOptions) {
    self.number = number
    self.initiator = initiator
    self.responder = responder
    session = SyncSession(options: options)
  }

  var hasEnded: Bool { session.hasEnded }

  /// Passes an event on, and keeps what concerns the carrier alone.
  func handle(_ event: SyncSession.Event, at now: UInt64) -> [SyncSession.Effect] {
    session.handle(event, at: now).filter { effect in
      switch effect {
      case .openJournal(let since):
        position = since
        journal = nil
        return false
      case .progress: return false
      case .finished(let report):
        self.report = report
        return false
      case .failed(let error):
        failure = error
        return false
      default: return true
      }
    }
  }

  func nextExchange() -> Int {
    exchange += 1
    isWaiting = true
    return exchange
  }

  /// Whether an answer is the one that is waited for; no further one is.
  func accepts(_ exchange: Int) -> Bool {
    guard isWaiting, exchange == self.exchange else { return false }
    isWaiting = false
    return true
  }

  /// Performs an effect on the initiator's store.
  func perform(_ effect: SyncSession.Effect, _ store: RecordStore, clock: UInt64) throws
    -> SyncSession.Event
  {
    switch effect {
    case .examine(let dots): return .examined(try store.facts(hashesAt: dots, clock: clock))
    case .adopt(let storeID, let force):
      try store.adopt(storeID, force: force)
      return .adopted
    case .take(let batch, let storeID):
      return .taken(try store.take(batch, of: storeID))
    case .read(let bytes): return try read(store, bytes)
    default: return .tick
    }
  }

  private func read(_ store: RecordStore, _ limit: Int) throws -> SyncSession.Event {
    let cursor = try journal ?? store.journal(since: position)
    journal = cursor
    var batch: [EncodedTransaction] = []
    var count = 0
    while count < limit {
      guard let transaction = try cursor.next() else { return .read(batch, isLast: true) }
      count += transaction.bytes.count
      batch.append(transaction)
    }
    return .read(batch, isLast: false)
  }

  /// Turns what came over the wire into events; the rest of a cut answer is lost with the
  /// connection.
  func events(for answer: WireAnswer) -> [SyncSession.Event] {
    switch answer {
    case .hello(let bytes):
      guard let hello = try? Hello(decoding: bytes) else { return broken() }
      return [.answered(.hello(hello))]
    case .acknowledgement(let bytes):
      guard let acknowledgement = try? Acknowledgement(decoding: bytes) else { return broken() }
      return [.answered(.acknowledgement(acknowledgement, bytes: UInt64(bytes.count)))]
    case .batch(let bytes, let isLast):
      return events(for: JournalBytes.decode(bytes), bytes.count, isLast: isLast)
    case .refusal(let error): return [.refused(error)]
    case .broken: return broken()
    }
  }

  private func events(
    for journal: JournalBytes.Decoded, _ byteCount: Int, isLast: Bool
  ) -> [SyncSession.Event] {
    guard let storeID = journal.storeID else { return [.refused(error(of: journal))] }
    let isWhole = journal.failure == nil
    let batch = ReceivedBatch(
      storeID: storeID, transactions: journal.transactions, isLast: isLast && isWhole,
      bytes: UInt64(byteCount))
    if isWhole { return [.answered(.batch(batch))] }
    isBroken = true
    return journal.transactions.isEmpty
      ? [.refused(error(of: journal))] : [.answered(.batch(batch))]
  }

  private func error(of journal: JournalBytes.Decoded) -> SyncError {
    guard let failure = journal.failure else { return .unreachable("cut") }
    if case .truncated = failure { return .unreachable("cut") }
    return SyncError(failure)
  }

  private func broken() -> [SyncSession.Event] {
    isBroken = true
    return [.refused(.unreachable("cut"))]
  }
}
